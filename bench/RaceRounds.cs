using System.Diagnostics;
using CertAuthority.Tests.Unit.Store;

namespace CertAuthority.Bench;

/// <summary>The races of the unit suite between two daemons on one PostgreSQL database, as many as there is time for.</summary>
internal static class RaceRounds
{
    // A database of its own for so many rounds, so that the last ones race as fast as the first ones.
    private const int RoundsOfDatabase = 500;

    public static async Task<int> Run(string[] args)
    {
        if (args is not [var given] || !int.TryParse(given, out var races) || races < 1)
        {
            Console.Error.WriteLine("usage: races RACES");
            return 2;
        }
        var rounds = (races + DaemonRaces.LoginsOfRound - 1) / DaemonRaces.LoginsOfRound;
        var (watch, violations, issued, refused) = (Stopwatch.StartNew(), 0, 0L, 0L);
        for (var done = 0; done < rounds;)
        {
            await using var some = await DaemonRaces.Start();
            var many = Math.Min(RoundsOfDatabase, rounds - done);
            await some.Run(many);
            done += many;
            (violations, issued, refused) = (violations + some.Violations.Count, issued + some.Outcomes.Issued, refused + some.Outcomes.Refused);
            foreach (var violation in some.Violations.Take(10))
                Console.WriteLine(violation);
            Console.Error.WriteLine($"{done * DaemonRaces.LoginsOfRound} races, {watch.Elapsed.TotalSeconds:0} s, {violations} violations");
        }
        Console.WriteLine(
            $"{issued + refused} logins raced against {rounds} denials and locks after {rounds} races of two approvals: {violations} violations; {issued} logins were in time, {refused} were refused; {(issued + refused) / watch.Elapsed.TotalSeconds:0} a second");
        return violations == 0 ? 0 : 1;
    }
}
