using System.Text;
using CertAuthority.Linux;
using CertAuthority.Proofs;
using CertAuthority.Signing;
using CertAuthority.Tctl;
using CertAuthority.Tests.Unit.Docs;
using CertAuthority.Tests.Unit.Model;

namespace CertAuthority.Tests.Unit.Auditing;

/// <summary>A thousand ways to change an export. Two verifiers that share no code look at each: tctl, and the script.</summary>
public sealed class ExportMutationTests : IDisposable
{
    private const int Size = 700;
    private const int Mutations = 1000;
    private const string Origin = "certauthority/0123456789abcdef/01234567";

    private readonly TemporaryFolder folder = new();
    private readonly AuditKey key;
    private readonly byte[][] entries = [.. Enumerable.Range(0, Size).Select(n => Encoding.UTF8.GetBytes($"{{\"event\":\"test.happened\",\"reason\":\"{n}\"}}"))];
    private readonly SignedCheckpoint early;

    public ExportMutationTests()
    {
        key = AuditKey.LoadOrCreate(folder.File("audit_key"));
        early = key.Sign(Checkpoint(entries[..300]));
        File.WriteAllText(folder.File("early"), early.Note);
    }

    public void Dispose()
    {
        key.Dispose();
        folder.Dispose();
    }

    [Fact]
    public async Task Unchanged_export_has_no_fault()
    {
        Export(folder.File("export"), entries);
        Assert.Empty(await Tctl(folder.File("export"), early.Checkpoint));
        Assert.Equal((0, $"{Size} entries of {Origin} are checked\n", ""), await Script($"{folder.File("export")} --since {folder.File("early")}"));
    }

    [Fact]
    public async Task Every_change_is_found_by_both()
    {
        var (dice, missed, kinds) = (new Dice(19), new List<string>(), new HashSet<string>());
        for (var n = 0; n < Mutations; n++)
        {
            var directory = folder.File($"{n}");
            Export(directory, entries);
            var what = Mutate(directory, dice);
            kinds.Add(what.Split(' ')[0]);
            // Where the checkpoint is as it was, its signature is, too.
            if ((await Tctl(directory, null, isSigned: what.Contains(directory, StringComparison.Ordinal))).Count == 0)
                missed.Add($"tctl, {n}: {what}");
        }
        Assert.Empty(missed);
        Assert.True(kinds.Count >= 10, string.Join(' ', kinds));
        // One process for all of them: what it says of each, a line each.
        var all = $"""
            import importlib.util, sys
            spec = importlib.util.spec_from_file_location("verify", "{Document.Root}/scripts/audit-verify.py")
            verify = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(verify)
            for n in range({Mutations}):
                faults = []
                try:
                    verify.verify_export("{folder.File("%d")}" % n, [], None, faults)
                except (OSError, ValueError, KeyError, TypeError):
                    continue
                if not faults:
                    print("script", n, file=sys.stderr)
            """;
        var ran = await new ChildProcess("python3", ["-c", all]) { Within = TimeSpan.FromMinutes(5) }.Run(CancellationToken.None);
        Assert.Equal((0, ""), (ran.ExitCode, ran.Error));
    }

    // Whoever has the key can sign another history: that is what a kept checkpoint is for.
    [Theory]
    [InlineData("cut", "entries are missing")]
    [InlineData("replaced", "the first 300 entries are not those of the checkpoint with 300 entries")]
    [InlineData("another log", "is of the log")]
    public async Task History_that_was_signed_anew_is_found_by_a_witness(string how, string fault)
    {
        var directory = folder.File("anew");
        var others = how == "cut" ? entries[..200] : [.. entries];
        if (how == "replaced")
            others[17] = "{\"event\":\"nothing.happened\"}"u8.ToArray();
        var origin = how == "another log" ? "certauthority/0123456789abcdef/89abcdef" : Origin;
        Export(directory, others, origin);
        Assert.Empty(await Tctl(directory, null));
        Assert.Equal(0, (await Script(directory)).ExitCode);

        if (how != "another log")
            Assert.Contains(fault, Assert.Single(await Tctl(directory, early.Checkpoint)), StringComparison.Ordinal);
        var (exitCode, _, error) = await Script($"{directory} --since {folder.File("early")}");
        Assert.Equal(1, exitCode);
        Assert.Contains(fault, error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Entry_after_the_last_one_is_found_by_both()
    {
        Export(folder.File("export"), entries);
        var bundle = Path.Combine(folder.File("export"), TileId.EntriesPath(Size / TileId.Width, Size % TileId.Width));
        await File.WriteAllBytesAsync(bundle, EntryBundle.Write([.. EntryBundle.Read(await File.ReadAllBytesAsync(bundle))!, "{}"u8.ToArray()]));
        Assert.Equal($"there are entries after entry {Size} that are in no checkpoint", Assert.Single(await Tctl(folder.File("export"), null)));
        Assert.Contains($"there are {Size + 1} entries where there should be {Size}", (await Script(folder.File("export"))).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Signature_of_another_key_is_found()
    {
        Export(folder.File("export"), entries);
        using var other = AuditKey.LoadOrCreate(folder.File("other_key"));
        await File.WriteAllTextAsync(Path.Combine(folder.File("export"), "audit_key.pub"), $"{other.PublicKey.ToLine("")}\n");
        Assert.Contains("was not signed by the key", Assert.Single(await Tctl(folder.File("export"), null)), StringComparison.Ordinal);
        Assert.Equal(1, (await Script(folder.File("export"))).ExitCode);
        var pinned = await Script($"{folder.File("export")} --key {folder.File("audit_key.pub")}");
        Assert.Equal((0, ""), (pinned.ExitCode, pinned.Error));
    }

    private static string Mutate(string directory, Dice dice)
    {
        string[] tiles = [.. Directory.EnumerateFiles(Path.Combine(directory, "tile"), "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];
        string[] bundles = [.. tiles.Where(tile => tile.Contains("/entries/", StringComparison.Ordinal))];
        string[] hashes = [.. tiles.Except(bundles)];
        switch (dice.Throw(12))
        {
            case 0:
                return $"bit-of-an-entry {Flip(dice.Of(bundles), dice)}";
            case 1:
                return $"bit-of-a-tile {Flip(dice.Of(hashes), dice)}";
            case 2:
                return Rewrite("dropped", one => one.RemoveAt(dice.Throw(one.Count)));
            case 3:
                return Rewrite("swapped", one =>
                {
                    var (a, b) = (dice.Throw(one.Count), dice.Throw(one.Count - 1));
                    b += b >= a ? 1 : 0;
                    (one[a], one[b]) = (one[b], one[a]);
                });
            case 4:
                return Rewrite("doubled", one => one.Insert(dice.Throw(one.Count), one[dice.Throw(one.Count)]));
            case 5:
                return Rewrite("replaced", one => one[dice.Throw(one.Count)] = "{}"u8.ToArray());
            case 6:
                var cut = dice.Of(tiles);
                File.WriteAllBytes(cut, File.ReadAllBytes(cut)[..^(1 + dice.Throw(40))]);
                return $"cut {cut}";
            case 7:
                var gone = dice.Of(tiles);
                File.Delete(gone);
                return $"removed {gone}";
            case 8:
                Flip(Path.Combine(directory, "checkpoint"), dice);
                return "bit-of-the-checkpoint";
            case 9:
                var (text, size) = (File.ReadAllText(Path.Combine(directory, "checkpoint")), dice.Throw(2000));
                File.WriteAllText(Path.Combine(directory, "checkpoint"), text.Replace($"\n{Size}\n", $"\n{(size == Size ? 1 : size)}\n", StringComparison.Ordinal));
                return $"size {size}";
            case 10:
                var signature = Path.Combine(directory, "checkpoint.sig");
                var lines = File.ReadAllLines(signature);
                // The first line has the version of the format, of which OpenSSH accepts smaller ones.
                var (line, at) = (2 + dice.Throw(lines.Length - 4), dice.Throw(40));
                lines[line] = string.Concat(lines[line].AsSpan(0, at), lines[line][at] == 'A' ? "B" : "A", lines[line].AsSpan(at + 1));
                File.WriteAllLines(signature, lines);
                return $"letter-of-the-signature {line}:{at}";
            default:
                // The tiles fit the entries, and the checkpoint fits neither.
                var others = Enumerable.Range(0, Size).Select(n => Encoding.UTF8.GetBytes($"{{\"reason\":\"{n + (dice.OneIn(5) ? 1 : 0)}\"}}")).ToArray();
                WriteTiles(directory, others);
                return "tree";
        }

        string Rewrite(string what, Action<List<byte[]>> change)
        {
            var bundle = dice.Of(bundles);
            var read = EntryBundle.Read(File.ReadAllBytes(bundle))!;
            change(read);
            File.WriteAllBytes(bundle, EntryBundle.Write(read));
            return $"{what} {bundle}";
        }
    }

    private static string Flip(string file, Dice dice)
    {
        var bytes = File.ReadAllBytes(file);
        var at = dice.Throw(bytes.Length);
        bytes[at] ^= (byte)(1 << dice.Throw(8));
        File.WriteAllBytes(file, bytes);
        return $"{file}:{at}";
    }

    // As the commands do it: the signature first, then every entry.
    private static async Task<List<string>> Tctl(string directory, Checkpoint? earlier, bool isSigned = false)
    {
        var log = new ExportedLog(directory);
        try
        {
            var last = await log.Last(CancellationToken.None);
            var faults = !isSigned && await CheckpointSignature.Fault(last, last.Key, CancellationToken.None) is { } fault ? new List<string> { fault } : [];
            faults.AddRange(await new AuditVerification(log, last.Checkpoint, earlier is null ? [] : [earlier]).Faults(CancellationToken.None));
            return faults;
        }
        catch (CertAuthority.Terminal.FailureException failure)
        {
            return [failure.Message];
        }
    }

    private static async Task<(int? ExitCode, string Output, string Error)> Script(string arguments)
    {
        var ran = await new ChildProcess("python3", [$"{Document.Root}/scripts/audit-verify.py", .. arguments.Split(' ')]).Run(CancellationToken.None);
        return (ran.ExitCode, ran.Output, ran.Error);
    }

    private void Export(string directory, byte[][] all, string origin = Origin)
    {
        WriteTiles(directory, all);
        var signed = key.Sign(Checkpoint(all, origin));
        File.WriteAllText(Path.Combine(directory, "checkpoint"), signed.Note);
        File.WriteAllText(Path.Combine(directory, "checkpoint.sig"), signed.Signature);
        File.WriteAllText(Path.Combine(directory, "audit_key.pub"), $"{key.PublicKey.ToLine("audit key")}\n");
    }

    private static Checkpoint Checkpoint(byte[][] all, string origin = Origin) => new(origin, all.Length, Grown(all).Grown().Root());

    private static GrowingTree Grown(byte[][] all)
    {
        var tree = new GrowingTree(0, _ => null);
        foreach (var entry in all)
            tree.Add(TreeHash.OfLeaf(entry));
        return tree;
    }

    private static void WriteTiles(string directory, byte[][] all)
    {
        foreach (var (tile, hashes) in Grown(all).Changed())
        {
            Write(tile.Path(hashes.Length / TreeHash.Length), hashes);
            if (tile.Level == 0)
                Write(TileId.EntriesPath(tile.Number, hashes.Length / TreeHash.Length), EntryBundle.Write(all.Skip((int)tile.Number * TileId.Width).Take(hashes.Length / TreeHash.Length)));
        }

        void Write(string name, byte[] content)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(directory, name))!);
            File.WriteAllBytes(Path.Combine(directory, name), content);
        }
    }
}
