#pragma warning disable RS0030 // A seed repeats a round.
using System.Diagnostics;
using Xunit.Abstractions;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>
/// Faults of daemons, of the PostgreSQL server and of what connects them, one a round, and no promise that was given is broken. bench/faults
/// runs more of them.
/// </summary>
public sealed class FaultRigTests(ITestOutputHelper output)
{
    // Two at once, because a rig mostly waits. Each is a new one after so many rounds, so that a seed leads to its fault soon.
    private const int Rigs = 2;
    private const int RoundsOfRig = 15;

    /// <summary>The faults of two rigs, in an order of the seed.</summary>
    private static readonly Fault[] Faults =
    [
        Fault.KillLeader, Fault.KillLeader, Fault.KillLeader, Fault.KillLeader, Fault.KillFollower, Fault.KillFollower, Fault.KillBoth, Fault.KillBoth,
        Fault.KillServer, Fault.KillServer, Fault.KillServer, Fault.PromoteStandby, Fault.PromoteStandby, Fault.PromoteStandbyAndKillLeader, Fault.PromoteStandbyAndKillLeader,
        Fault.CutLeader, Fault.CutLeader, Fault.CutLeader, Fault.CutFollower, Fault.CutBoth, Fault.CutBoth, Fault.StallLeader, Fault.StallBoth,
        Fault.PauseLeader, Fault.PauseLeader, Fault.PauseFollower, Fault.PauseStandby, Fault.PauseStandby, Fault.FillServer, Fault.FillLeader,
    ];

    private readonly SortedDictionary<string, int> counts = new(StringComparer.Ordinal);

    [PeopleFact]
    public async Task Thirty_faults_lose_nothing_that_was_acknowledged()
    {
        // More rounds, and longer pauses, for bench/faults.
        var rounds = Setting("ROUNDS", Rigs * RoundsOfRig);
        var seed = Setting("SEED", 1);
        var clock = Stopwatch.StartNew();
        for (var (done, some) = (0, 0); done < rounds; (done, seed) = (done + some, seed + 1))
        {
            some = Math.Min(Rigs * RoundsOfRig, rounds - done);
            Fault[] faults = Environment.GetEnvironmentVariable("CERTAUTHORITY_FAULTS_ONLY") is { Length: > 0 } only
                ? [.. Enumerable.Repeat(Enum.Parse<Fault>(only), Faults.Length)] : [.. Faults];
            new Random(seed).Shuffle(faults);
            await Task.WhenAll(faults.Take(some).Index().GroupBy(one => one.Index % Rigs, one => one.Item).Select(
                rig => Drive(seed, rig.Key, [.. rig])));
        }
        Print($"{rounds} rounds in {clock.Elapsed.TotalSeconds:F0} s: {string.Join(", ", counts.Select(one => $"{one.Value} {one.Key}"))}");
        foreach (var what in (string[])["certificates", "requests", "approvals", "denials", "locks", "revocations", "edits", "waiters woken", "let in", "kept out"])
            Assert.True(counts.GetValueOrDefault(what) >= rounds, $"{what}: {counts.GetValueOrDefault(what)}");
    }

    /// <summary>Runs a rig, with one fault a round.</summary>
    private async Task Drive(int seed, int number, Fault[] faults)
    {
        var pause = Setting("PAUSE", 0);
        await using var rig = await FaultRig.Start((seed * Rigs) + number, pause == 0 ? null : TimeSpan.FromSeconds(pause));
        foreach (var (round, fault) in faults.Index())
        {
            var clock = Stopwatch.StartNew();
            Exception? failure = null;
            try
            {
                await rig.Round(fault, last: round == faults.Length - 1);
            }
            catch (Exception e)
            {
                failure = e;
            }
            var line = $"seed {seed}, rig {number + 1}, round {round + 1,2}: {fault,-27} {clock.Elapsed.TotalSeconds,4:F1} s, {rig.Witness.Violations.Count} violations";
            Print($"{line}; {rig.Phases}");
            if (failure is not null || rig.Witness.Violations.Count > 0)
                Assert.Fail($"{line}\n{string.Join('\n', rig.Witness.Violations)}\n{failure}\n{rig.Logs}");
        }
        lock (counts)
            foreach (var (what, n) in rig.Witness.Counts)
                counts[what] = counts.GetValueOrDefault(what) + n;
    }

    private static int Setting(string name, int otherwise) =>
        Environment.GetEnvironmentVariable($"CERTAUTHORITY_FAULTS_{name}") is { Length: > 0 } value ? int.Parse(value) : otherwise;

    private void Print(string line)
    {
        lock (counts)
        {
            output.WriteLine(line);
            if (Environment.GetEnvironmentVariable("CERTAUTHORITY_FAULTS_OUTPUT") is { } file)
                File.AppendAllText(file, $"{line}\n");
        }
    }
}
