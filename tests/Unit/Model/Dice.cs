namespace CertAuthority.Tests.Unit.Model;

/// <summary>The same throws for the same seed, for ever: SplitMix64.</summary>
internal sealed class Dice(ulong seed)
{
    private ulong state = seed;

    /// <summary>A number from 0 to below <paramref name="sides"/>.</summary>
    public int Throw(int sides)
    {
        var mixed = state += 0x9E3779B97F4A7C15;
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
        return (int)((mixed ^ (mixed >> 31)) % (ulong)sides);
    }

    public bool OneIn(int times) => Throw(times) == 0;

    public T Of<T>(params IReadOnlyList<T> items) => items[Throw(items.Count)];

    /// <summary>Each of the items with a probability of one in so many.</summary>
    public T[] Some<T>(IEnumerable<T> items, int oneIn = 2) => [.. items.Where(_ => OneIn(oneIn))];
}
