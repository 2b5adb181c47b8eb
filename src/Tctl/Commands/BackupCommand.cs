using System.CommandLine;
using System.Text.Json.Nodes;
using CertAuthority.Linux;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl backup</c>.</summary>
internal sealed class BackupCommand : CliCommand
{
    private static readonly TimeSpan TellAfter = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan TellEvery = TimeSpan.FromSeconds(5);

    private readonly Argument<string> file = new("FILE") { Description = "The copy; mode 0600", CompletionSources = { Suggestions.Files } };
    private readonly Option<bool> force = new("--force", "-f") { Description = "Replace FILE in one step if it exists" };

    public BackupCommand()
        : base(
            "backup", "Copies the daemon's database while it runs; the keys are not in it", "tctl backup /var/backups/certauthority.db",
            "tctl backup -f /var/backups/certauthority.db")
    {
        Arguments.Add(file);
        Options.Add(force);
        Options.Add(new FormatOption());
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        var target = parsed.GetValue(file)!;
        var replace = parsed.GetValue(force);
        if (Path.GetFullPath(target).StartsWith("/dev/", StringComparison.Ordinal))
            throw new FailureException($"{target} is a device, and a backup goes into a file");
        if (Path.Exists(target) && !replace)
            throw new FailureException($"{target} exists already", "with -f the backup takes its place");

        using var ca = ServerOption.Connect(parsed);
        await AtomicFile.Write(target, UnixFileMode.UserRead | UnixFileMode.UserWrite, replace, async copy =>
        {
            var total = 0L;
            await using var slow = new Timer(
                _ => parsed.Say(total == 0 ? "the daemon copies its database" : $"{copy.Length >> 20} of {total >> 20} MiB are here"),
                null, TellAfter, TellEvery);
            await ca.Download(
                Routes.TakeBackup,
                new TakeBackup(),
                (bytes, length) =>
                {
                    total = length;
                    return bytes.CopyToAsync(copy, cancellation);
                },
                cancellation);
        });
        parsed.PrintResult(
            new JsonObject { ["file"] = Path.GetFullPath(target), ["bytes"] = new FileInfo(target).Length }, $"backup written to {target}");
        return ExitCode.Done;
    }
}
