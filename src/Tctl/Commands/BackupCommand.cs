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

    private readonly Argument<string?> file = new("FILE")
    {
        Description = "The copy; mode 0600",
        Arity = ArgumentArity.ZeroOrOne,
        CompletionSources = { Suggestions.Files }
    };
    private readonly Option<bool> force = new("--force", "-f") { Description = "Replace FILE in one step if it exists" };
    private readonly Option<string?> to = new("--to")
    {
        HelpName = "DIR",
        Description = "Write a file named by the time into DIR, which is created with mode 0700 if it does not exist",
        CompletionSources = { Suggestions.Files }
    };
    private readonly Option<int?> keep = new("--keep")
    {
        HelpName = "N",
        Description = "With --to: delete the oldest backups in DIR once there are more than N. Default: none is deleted",
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (int.TryParse(text, out var most) && most > 0)
                return most;
            result.AddError($"--keep takes a number from 1 up, not '{text}'");
            return null;
        },
    };
    private readonly Option<string?> encryptTo = new("--encrypt-to")
    {
        HelpName = "FILE",
        Description = "Encrypt with the program age to the SSH public keys in FILE; the plain text is in no file",
        CompletionSources = { Suggestions.Files }
    };

    public BackupCommand()
        : base(
            "backup", "Copies the daemon's database while it runs; the keys are not in it", "tctl backup /var/backups/certauthority.db",
            "tctl backup -f /var/backups/certauthority.db", "tctl backup --to /var/backups/certauthority --keep 14",
            "tctl backup --to /var/backups/certauthority --keep 14 --encrypt-to backup-keys.pub")
    {
        Arguments.Add(file);
        foreach (var option in (Option[])[force, to, keep, encryptTo, new FormatOption()])
            Options.Add(option);
        Validators.Add(parsed =>
        {
            var isTo = parsed.GetResult(to) is { Implicit: false };
            if (parsed.GetResult(file) is { Tokens: [_, ..] } == isTo)
                parsed.AddError("backup takes either FILE or --to DIR");
            if (isTo && parsed.GetResult(force) is { Implicit: false })
                parsed.AddError("--to replaces no file, so it does not take -f");
            if (!isTo && parsed.GetResult(keep) is not null)
                parsed.AddError("--keep needs --to");
        });
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        if (parsed.GetValue(to) is { } directory)
        {
            using var folder = BackupFolder.Take(directory);
            var next = folder.Next(TimeProvider.System.GetUtcNow(), parsed.GetValue(encryptTo) is not null);
            await Write(parsed, next, replace: false, cancellation);
            Print(parsed, next, parsed.GetValue(keep) is { } most ? folder.Keep(most, next) : []);
            return ExitCode.Done;
        }
        var target = parsed.GetValue(file)!;
        var replace = parsed.GetValue(force);
        if (Path.GetFullPath(target).StartsWith("/dev/", StringComparison.Ordinal))
            throw new FailureException($"{target} is a device, and a backup goes into a file");
        BackupFolder.ExpectDirectory(Path.GetDirectoryName(Path.GetFullPath(target)) ?? "/");
        if (Path.Exists(target) && !replace)
            throw new FailureException($"{target} exists already", "with -f the backup takes its place");
        await Write(parsed, target, replace, cancellation);
        Print(parsed, target, removed: null);
        return ExitCode.Done;
    }

    /// <summary>Writes a backup, which is then there whole or not at all.</summary>
    private async Task Write(ParseResult parsed, string target, bool replace, CancellationToken cancellation)
    {
        var encryption = parsed.GetValue(encryptTo) is { } keys ? new AgeEncryption(keys) : null;
        if (encryption is not null)
            await encryption.Try(cancellation);
        using var ca = ServerOption.Connect(parsed);
        try
        {
            await AtomicFile.Write(target, UnixFileMode.UserRead | UnixFileMode.UserWrite, replace, async copy =>
            {
                var total = 0L;
                await using var slow = new Timer(
                    _ => parsed.Say(total == 0 ? "the daemon copies its database" : $"{copy.Length >> 20} of {total >> 20} MiB are here"),
                    null, TellAfter, TellEvery);
                await (encryption is null ? Download(copy) : encryption.Run(Download, copy, cancellation));

                Task Download(Stream to) => ca.Download(
                    Routes.TakeBackup, new TakeBackup(), (bytes, length) =>
                    {
                        total = length;
                        return bytes.CopyToAsync(to, cancellation);
                    },
                    cancellation);
            });
        }
        catch (UnauthorizedAccessException)
        {
            throw new FailureException($"{target} cannot be written: permission denied");
        }
    }

    private static void Print(ParseResult parsed, string target, string[]? removed)
    {
        var result = new JsonObject { ["file"] = Path.GetFullPath(target), ["bytes"] = new FileInfo(target).Length };
        if (removed is not null)
            result["removed"] = new JsonArray([.. removed.Select(one => JsonValue.Create(Path.GetFullPath(one)))]);
        parsed.PrintResult(result, [$"backup written to {target}", .. (removed ?? []).Select(one => $"removed {one}")]);
    }
}
