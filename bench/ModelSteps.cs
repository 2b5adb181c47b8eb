using System.Diagnostics;
using CertAuthority.Tests.Unit.Model;

namespace CertAuthority.Bench;

/// <summary>The model test of the unit suite with as many steps as there is time for, or again with the seed that a failure has named.</summary>
internal static class ModelSteps
{
    public static async Task<int> Take(string[] args)
    {
        if (args is [var from, var most, "each"] && ulong.TryParse(from, out var begin) && int.TryParse(most, out var each))
            return await Each(begin, each);
        Rule? without = null;
        if (args is not [var first, var second, ..] || !ulong.TryParse(first, out var seed) || !int.TryParse(second, out var count) || args.Length > 3
            || (args is [_, _, var rule] && !Parse(rule, ref without)))
        {
            Console.Error.WriteLine($"usage: model SEED STEPS [RULE|each]; RULE is left out of the rules, each leaves out one after the other: {string.Join(", ", Enum.GetNames<Rule>())}");
            return 2;
        }
        var watch = Stopwatch.StartNew();
        var told = 0;
        try
        {
            await ModelRun.Take(seed, count, without, done =>
            {
                if (done / 10_000 == told)
                    return;
                told = done / 10_000;
                Console.Error.WriteLine($"{done} steps, {watch.Elapsed.TotalSeconds:0} s");
            });
        }
        catch (DeviationException deviation)
        {
            Console.WriteLine(deviation.Message);
            return 1;
        }
        Console.WriteLine($"{count} steps from seed {seed} on without a deviation, {watch.Elapsed.TotalSeconds:0} s, {Process.GetCurrentProcess().TotalProcessorTime.TotalSeconds:0} s of CPU");
        return 0;
    }

    /// <summary>How many steps it takes until each rule is missed.</summary>
    private static async Task<int> Each(ulong seed, int count)
    {
        var missed = 0;
        foreach (var rule in Enum.GetValues<Rule>())
        {
            var (done, said) = (0, "not missed");
            try
            {
                await ModelRun.Take(seed, count, rule, taken => done = taken);
                missed++;
            }
            catch (DeviationException deviation)
            {
                said = deviation.Message.Split('\n')[0];
            }
            Console.WriteLine($"{rule,-40} {done,6}+ {said}");
        }
        return missed == 0 ? 0 : 1;
    }

    private static bool Parse(string text, ref Rule? rule)
    {
        var isRule = Enum.TryParse<Rule>(text, out var parsed);
        rule = parsed;
        return isRule;
    }
}
