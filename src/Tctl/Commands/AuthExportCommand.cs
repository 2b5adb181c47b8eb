using System.CommandLine;
using System.Text;
using CertAuthority.Linux;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl auth export</c>.</summary>
internal sealed class AuthExportCommand : CliCommand
{
    private const UnixFileMode ReadableByAll =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    private readonly Option<string> type = new("--type")
    {
        Required = true,
        HelpName = "user|host|statements|krl",
        CompletionSources = { "user", "host", "statements", "krl" },
        Description =
            "user: the lines that TrustedUserCAKeys takes; host: the lines for known_hosts; statements: what each host CA key said of the one that took over, signed by it; krl: the file that RevokedKeys takes",
    };
    private readonly Option<string?> file = new("--out")
    {
        HelpName = "FILE",
        Description = "Replace this file in one step, instead of standard output",
        CompletionSources = { Suggestions.Files }
    };

    public AuthExportCommand()
        : base(
            "export",
            "Writes the public keys that hosts or clients trust, or what hosts must not accept any more",
            "tctl auth export --type=user > /etc/ssh/user_ca.pub",
            "tctl auth export --type=host >> ~/.ssh/known_hosts",
            "tctl auth export --type=krl --out=/etc/ssh/revoked.krl")
    {
        Options.Add(type);
        Options.Add(file);
        type.CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (text is not ("user" or "host" or "statements" or "krl"))
                result.AddError($"--type takes user, host, statements or krl, not '{text}'");
            return text;
        };
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        var target = parsed.GetValue(file);
        var what = parsed.GetValue(type);
        if (what == "krl" && target is null && !Console.IsOutputRedirected)
            throw new FailureException("a revocation list is no text for a terminal", "tctl auth export --type=krl --out=FILE");
        if (target is not null && Path.GetFullPath(target).StartsWith("/dev/", StringComparison.Ordinal))
            throw new FailureException(
                $"{target} is a device, and a file would take its place", "without --out it goes to standard output");

        using var ca = ServerOption.Connect(parsed);
        var content = what switch
        {
            "krl" => (await ca.Send(Routes.GetKrl, new GetKrl(), cancellation)).Krl,
            "host" => Encoding.UTF8.GetBytes(
                OpenSsh.KnownHosts.Authorities(
                    (await ca.Send(Routes.GetHostCas, new GetHostCas(), cancellation)).Keys.Select(key => key.PublicKey))),
            "statements" => Encoding.UTF8.GetBytes(
                string.Concat((await ca.Send(Routes.GetHostCas, new GetHostCas(), cancellation)).Statements ?? [])),
            _ => Encoding.UTF8.GetBytes(
                string.Concat(Lines(await ca.Send(Routes.GetUserCas, new GetUserCas(), cancellation)).Select(line => $"{line}\n"))),
        };
        if (target is not null)
        {
            AtomicFile.Replace(target, content, ReadableByAll);
            return ExitCode.Done;
        }
        await using var output = StandardStream.Output();
        await output.WriteAsync(content, cancellation);
        return ExitCode.Done;
    }

    private static IEnumerable<string> Lines(CaPublicKeys keys) => keys.Keys.Select(key => key.PublicKey);
}
