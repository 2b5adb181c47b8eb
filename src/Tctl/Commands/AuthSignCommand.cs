using System.CommandLine;
using System.Text;
using CertAuthority.Linux;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl auth sign</c>.</summary>
internal sealed class AuthSignCommand : CliCommand
{
    private const UnixFileMode ReadableByAll =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    // Longer than any public key that can be signed.
    private const int LongestKey = 16 << 10;

    private readonly Option<string> host = new("--host")
    {
        HelpName = "NODE",
        Required = true,
        Description = "The node whose key it is",
        CompletionSources = { AdminCompletions.Nodes }
    };
    private readonly Argument<string> file = new("FILE.pub")
    {
        Description = "The host's public key, such as /etc/ssh/ssh_host_ed25519_key.pub; - for standard input",
        CompletionSources = { Suggestions.Files }
    };
    private readonly DurationOption ttl = new("--ttl", "How long the certificate lives, up to 366d; 30d without");
    private readonly Option<string?> outFile = new("--out")
    {
        HelpName = "FILE",
        Description = "Where the certificate goes; without, FILE-cert.pub, or standard output for standard input",
        CompletionSources = { Suggestions.Files }
    };

    public AuthSignCommand()
        : base(
            "sign",
            "Signs the key of a host, so that nobody who knows the authority is asked about it",
            "tctl auth sign --host=db1 ssh_host_ed25519_key.pub",
            "ssh root@db1 cat /etc/ssh/ssh_host_ed25519_key.pub | tctl auth sign --host=db1 --ttl=90d -")
    {
        Arguments.Add(file);
        Options.Add(host);
        Options.Add(ttl);
        Options.Add(outFile);
        Options.Add(new FormatOption());
        Validators.Add(result =>
        {
            if (result.GetValue(file) is { } name && name != "-" && !name.EndsWith(".pub", StringComparison.Ordinal)
                && result.GetResult(outFile) is null)
                result.AddError($"'{name}' does not end in .pub: is it the public key? --out says where the certificate goes");
        });
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        var name = parsed.GetValue(file)!;
        var target = parsed.GetValue(outFile) ?? (name == "-" ? null : $"{name[..^".pub".Length]}-cert.pub");
        var key = Read(name);
        using var ca = ServerOption.Connect(parsed);
        var signed = await ca.Send(Routes.CertifyHost, new CertifyHost(parsed.GetValue(host)!, key, parsed.GetValue(ttl)), cancellation);
        var line = Encoding.UTF8.GetBytes(signed.Certificate + "\n");
        if (target is not null)
        {
            AtomicFile.Replace(target, line, ReadableByAll);
            parsed.PrintResult(
                signed,
                $"certificate for {string.Join(", ", signed.Info.Principals)} written to {target}, valid until {Wording.Time(signed.Info.ValidBefore)}");
            parsed.Hint($"sshd offers it with the line: HostCertificate {Path.GetFullPath(target)}");
        }
        else if (FormatOption.IsJson(parsed))
            parsed.PrintJson(signed);
        else
        {
            await using var output = StandardStream.Output();
            await output.WriteAsync(line, cancellation);
        }
        return ExitCode.Done;
    }

    private static string Read(string name)
    {
        using var stream = name == "-" ? Console.OpenStandardInput() : NamedFile.Open(name);
        var bytes = new byte[LongestKey + 1];
        var length = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        var text = Encoding.UTF8.GetString(bytes, 0, length).Trim();
        return length > LongestKey || text.Contains('\n', StringComparison.Ordinal)
            ? throw new FailureException($"{name} is not a public key, which is one line")
            : text;
    }
}
