using System.Diagnostics.Metrics;

namespace CertAuthority.Metrics;

/// <summary>Counts values in ranges, such as how many commits took at most 10 ms.</summary>
internal sealed class ValueHistogram
{
    private readonly Histogram<double> instrument;
    private readonly double[] bounds;
    private readonly long[] counts;
    private readonly Lock adding = new();
    private double sum;

    /// <param name="meter">The meter that reports it to other listeners in this process.</param>
    /// <param name="name">The name; it ends with the unit if there is one.</param>
    /// <param name="help">What is measured.</param>
    /// <param name="bounds">The largest value of each range, ascending; the last range has none.</param>
    public ValueHistogram(Meter meter, string name, string help, params double[] bounds)
    {
        instrument = meter.CreateHistogram(
            name, null, help, tags: null, advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = bounds });
        (Name, Help, this.bounds, counts) = (name, help, bounds, new long[bounds.Length + 1]);
    }

    public string Name { get; }

    public string Help { get; }

    /// <summary>The bounds, how many values were at most that large, and the sum of all values; the last bound is infinite.</summary>
    public (IReadOnlyList<(double Bound, long Count)> Ranges, double Sum) Read()
    {
        lock (adding)
        {
            var total = 0L;
            return ([.. bounds.Append(double.PositiveInfinity).Select((bound, which) => (bound, total += counts[which]))], sum);
        }
    }

    /// <summary>Adds a value. It allocates nothing.</summary>
    public void Add(double value)
    {
        var which = 0;
        while (which < bounds.Length && value > bounds[which])
            which++;
        lock (adding)
        {
            counts[which]++;
            sum += value;
        }
        instrument.Record(value);
    }
}
