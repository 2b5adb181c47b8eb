using System.CommandLine;
using System.Text.Json.Nodes;
using CertAuthority.Proofs;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl audit verify</c>.</summary>
internal sealed class AuditVerifyCommand : CliCommand
{
    private static readonly TimeSpan TellAfter = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan TellEvery = TimeSpan.FromSeconds(5);

    private readonly Argument<string?> directory = new("DIR")
    {
        Description = "An export of the audit; without it, what the daemon has",
        Arity = ArgumentArity.ZeroOrOne,
        CompletionSources = { Suggestions.Files }
    };
    private readonly Option<string[]> since = new("--since")
    {
        HelpName = "CHECKPOINT",
        Description = "A file with an earlier checkpoint, which must be the beginning of the log; may be repeated",
        CompletionSources = { Suggestions.Files }
    };
    private readonly Option<string?> key = new("--key")
    {
        HelpName = "FILE",
        Description = "The audit key that you know; without it, the one that the log names",
        CompletionSources = { Suggestions.Files }
    };

    private readonly ArchiveOption archive = new();

    public AuditVerifyCommand()
        : base(
            "verify", "Computes every hash of the audit anew, and compares it with what was signed; exits with 1 if anything differs",
            "tctl audit verify", "tctl audit verify --since checkpoint --key audit_key.pub", "tctl audit verify /srv/audit",
            "tctl audit verify --archive /srv/audit-archive")
    {
        Arguments.Add(directory);
        Options.Add(since);
        Options.Add(key);
        Options.Add(archive);
        Options.Add(new FormatOption());
        Validators.Add(parsed =>
        {
            if (parsed.GetValue(directory) is not null && parsed.GetResult(archive) is not null)
                parsed.AddError("--archive is for what the daemon has; an export in DIR has its entries itself");
        });
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = parsed.GetValue(directory) is null ? ServerOption.Connect(parsed) : null;
        var archives = await ExportedLog.Open(parsed.GetValue(archive) ?? [], cancellation);
        AuditLog log = ca is null ? new ExportedLog(parsed.GetValue(directory)!) : new DaemonLog(ca, archives);
        var earlier = new List<Checkpoint>();
        foreach (var file in parsed.GetValue(since) ?? [])
            earlier.Add(
                AuditLog.SignedNote.Read(await NamedFile.Text(file, cancellation))
                ?? throw new FailureException($"{file} is not a checkpoint", "tctl audit checkpoint prints one"));
        var last = await log.Last(cancellation);
        var checkpoint = last.Checkpoint;
        await ExportedLog.ExpectOf(checkpoint, archives, cancellation);
        var pinned = parsed.GetValue(key) is { } known ? await NamedFile.Text(known, cancellation) : last.Key;
        List<string> faults = last.Fault is { } said ? [said] : [];
        if (await CheckpointSignature.Fault(last, pinned, cancellation) is { } unsigned)
            faults.Add(unsigned);
        foreach (var other in earlier.Where(one => one.Origin != checkpoint.Origin))
            faults.Add($"the log is {checkpoint.Origin}, and the checkpoint with {other.Size} entries is of {other.Origin}");
        var verification = new AuditVerification(log, checkpoint, [.. earlier.Where(one => one.Origin == checkpoint.Origin)]);
        await using (new Timer(
            _ => parsed.Say($"{verification.Size} of {checkpoint.Size} entries are checked"), null, TellAfter, TellEvery))
            faults.AddRange(await verification.Faults(cancellation));
        foreach (var fault in faults)
            parsed.Complain(fault);
        if (faults.Count > 0)
            parsed.Hint("an export from before, or a host that keeps checkpoints, shows which of them is true: docs/audit.md");
        parsed.PrintResult(
            new JsonObject
            {
                ["origin"] = checkpoint.Origin,
                ["size"] = checkpoint.Size,
                ["archived"] = verification.Archived,
                ["key"] = pinned.TrimEnd('\n'),
                ["faults"] = new JsonArray([.. faults.Select(fault => JsonValue.Create(fault))]),
            },
            faults.Count > 0 ? [] :
            [
                $"{AuditLog.Count(checkpoint.Size)} of {checkpoint.Origin}, all as they were signed",
                .. verification.Archived == 0 ? (string[])[] :
                    [$"the first {verification.Archived} are archived: only their hashes were checked; --archive DIR says where they are"],
                .. earlier.Select(one => $"the checkpoint with {AuditLog.Count(one.Size)} is its beginning"),
                $"signed by: {pinned.TrimEnd('\n')}",
            ]);
        return faults.Count > 0 ? ExitCode.Failed : ExitCode.Done;
    }
}
