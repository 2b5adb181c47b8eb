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
    // A rig of its own for so many rounds, so that a seed leads to a fault soon.
    private const int RoundsOfRig = 30;

    /// <summary>The faults of a rig, in an order of its seed.</summary>
    private static readonly Fault[] Faults =
    [
        Fault.KillLeader, Fault.KillLeader, Fault.KillLeader, Fault.KillLeader, Fault.KillFollower, Fault.KillFollower, Fault.KillBoth, Fault.KillBoth,
        Fault.KillServer, Fault.KillServer, Fault.KillServer, Fault.PromoteStandby, Fault.PromoteStandby, Fault.PromoteStandby, Fault.PromoteStandby,
        Fault.CutLeader, Fault.CutLeader, Fault.CutLeader, Fault.CutFollower, Fault.CutBoth, Fault.CutBoth, Fault.StallLeader, Fault.StallBoth,
        Fault.PauseLeader, Fault.PauseLeader, Fault.PauseFollower, Fault.PauseStandby, Fault.PauseStandby, Fault.FillServer, Fault.FillLeader,
    ];

    [PeopleFact]
    public async Task Thirty_faults_lose_nothing_that_was_acknowledged()
    {
        // More rounds, and longer pauses, for bench/faults.
        var rounds = Setting("ROUNDS", RoundsOfRig);
        var seed = Setting("SEED", Random.Shared.Next(1_000_000));
        var pause = Setting("PAUSE", 0);
        var only = Environment.GetEnvironmentVariable("CERTAUTHORITY_FAULTS_ONLY");
        var counts = new SortedDictionary<string, int>(StringComparer.Ordinal);
        for (var (round, rig) = (0, 0); round < rounds; rig++)
        {
            var faults = only is null ? [.. Faults] : Enumerable.Repeat(Enum.Parse<Fault>(only), RoundsOfRig).ToArray();
            new Random(seed + rig).Shuffle(faults);
            await using var site = await FaultRig.Start(seed + rig, pause == 0 ? null : TimeSpan.FromSeconds(pause));
            foreach (var (n, fault) in faults.Take(rounds - round).Index())
            {
                var clock = Stopwatch.StartNew();
                try
                {
                    await site.Round(fault, last: n == Math.Min(RoundsOfRig, rounds - round) - 1);
                }
                catch (Exception e)
                {
                    Assert.Fail($"seed {seed + rig}, round {n + 1}, {fault}: {e}\n{string.Join('\n', site.Witness.Violations)}\n{site.Logs}");
                }
                Print($"{round + n + 1,4} {fault,-16} {clock.Elapsed.TotalSeconds,5:F1} s  {site.Witness.Counts.GetValueOrDefault("certificates")} certificates, {site.Witness.Violations.Count} violations");
                Assert.True(site.Witness.Violations.Count == 0, $"seed {seed + rig}, round {n + 1}, {fault}:\n{string.Join('\n', site.Witness.Violations)}\n{site.Logs}");
            }
            round += Math.Min(RoundsOfRig, rounds - round);
            foreach (var (what, n) in site.Witness.Counts)
                counts[what] = counts.GetValueOrDefault(what) + n;
        }
        Print($"{rounds} rounds from seed {seed} on: {string.Join(", ", counts.Select(one => $"{one.Value} {one.Key}"))}");
        foreach (var what in (string[])["certificates", "requests", "approvals", "denials", "locks", "revocations", "edits", "waiters woken", "let in", "kept out"])
            Assert.True(counts.GetValueOrDefault(what) >= rounds / 2, $"{what}: {counts.GetValueOrDefault(what)}");

        static int Setting(string name, int otherwise) =>
            Environment.GetEnvironmentVariable($"CERTAUTHORITY_FAULTS_{name}") is { Length: > 0 } value ? int.Parse(value) : otherwise;
    }

    private void Print(string line)
    {
        output.WriteLine(line);
        if (Environment.GetEnvironmentVariable("CERTAUTHORITY_FAULTS_OUTPUT") is { } file)
            File.AppendAllText(file, $"{line}\n");
    }
}
