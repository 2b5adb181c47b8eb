using System.CommandLine;
using System.Globalization;
using System.Text;
using CertAuthority.Proofs;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl audit prove</c>.</summary>
internal sealed class AuditProveCommand : CliCommand
{
    private readonly Argument<string?> serial = new("SERIAL")
    {
        Description = "The certificate whose issuing is proven",
        Arity = ArgumentArity.ZeroOrOne
    };
    private readonly Option<long?> seq = new("--seq")
    {
        HelpName = "SEQ",
        Description = "The number of another entry",
        CustomParser = result =>
        {
            if (long.TryParse(result.Tokens[0].Value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0)
                return number;
            result.AddError($"--seq takes the number of an entry, not '{result.Tokens[0].Value}'");
            return null;
        }
    };
    private readonly Option<string?> archive = new("--archive")
    {
        HelpName = "DIR",
        Description = "An archive that has the entry; the daemon is not asked then",
        CompletionSources = { Suggestions.Files }
    };
    private readonly FormatOption format = new();

    public AuditProveCommand()
        : base(
            "prove", "Proves that an entry is in the audit, to somebody who has a checkpoint and does not trust the daemon",
            "tctl audit prove 1795871987000001", "tctl audit prove --seq=4711 --format=json > proof.json",
            "tctl audit prove 1795871987000001 --archive /srv/audit-archive")
    {
        Arguments.Add(serial);
        Options.Add(seq);
        Options.Add(archive);
        Options.Add(format);
        Validators.Add(parsed =>
        {
            if (parsed.GetValue(serial) is null == parsed.GetResult(seq) is null)
                parsed.AddError("name a SERIAL, or an entry with --seq");
            else if (parsed.GetResult(archive) is not null && parsed.GetValue(serial) is null)
                parsed.AddError("an archive does not know the numbers of its entries: name a SERIAL");
        });
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        var proven = parsed.GetValue(archive) is { } directory
            ? await ArchivedProof.Of(parsed.GetValue(serial)!, directory, cancellation)
            : await Ask(parsed, cancellation);
        if (InclusionProof.Parse(proven.Proof) is not { } proof || AuditLog.SignedNote.Read(proof.Note) is not { } checkpoint
            || !Proof.Includes(
                TreeHash.OfLeaf(Encoding.UTF8.GetBytes(proven.Entry)), proof.Index, checkpoint.Size, proof.Path, checkpoint.Root))
            throw new FailureException("the proof does not hold", "see what does not match: tctl audit verify");
        if (await CheckpointSignature.Fault(new AuditLog.SignedNote(proof.Note, proven.Signature, proven.Key), proven.Key, cancellation)
            is { } fault)
            throw new FailureException(fault);
        if (parsed.GetValue(format) == FormatOption.Json)
            parsed.PrintJson(proven);
        else
            parsed.Print(
            [
                $"entry: {proven.Entry}", $"place: {proof.Index} of {checkpoint.Size} in {checkpoint.Origin}",
                $"signed by: {proven.Key}", $"proof: {proof.Path.Count} hashes; --format=json prints all of it",
            ]);
        return ExitCode.Done;
    }

    private async Task<EntryProven> Ask(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        return await ca.Send(Routes.ProveEntry, new ProveEntry(parsed.GetValue(serial), parsed.GetValue(seq)), cancellation);
    }
}
