using System.Diagnostics;
using CertAuthority.Tests.Unit.Store;

namespace CertAuthority.Bench;

/// <summary>The races of the unit suite between two daemons on one PostgreSQL database, as many as there is time for.</summary>
internal static class RaceRounds
{
    // A database of its own for so many rounds, so that the last ones race as fast as the first ones.
    private const int RoundsOfDatabase = 4000;

    public static async Task<int> Run(string[] args)
    {
        if (args is not [var given] || !int.TryParse(given, out var rounds) || rounds < 1)
        {
            Console.Error.WriteLine("usage: races ROUNDS");
            return 2;
        }
        var (watch, violations, issued, refused) = (Stopwatch.StartNew(), 0, 0L, 0L);
        for (var done = 0; done < rounds;)
        {
            await using var races = await DaemonRaces.Start();
            var some = Math.Min(RoundsOfDatabase, rounds - done);
            await races.Run(some);
            done += some;
            (violations, issued, refused) = (violations + races.Violations.Count, issued + races.Outcomes.Issued, refused + races.Outcomes.Refused);
            foreach (var violation in races.Violations.Take(10))
                Console.WriteLine(violation);
            Console.Error.WriteLine($"{done} races, {watch.Elapsed.TotalSeconds:0} s, {violations} violations");
        }
        Console.WriteLine(
            $"{rounds} races, {violations} violations, {rounds / watch.Elapsed.TotalSeconds:0} races a second; {issued} logins were in time, {refused} were refused");
        return violations == 0 ? 0 : 1;
    }
}
