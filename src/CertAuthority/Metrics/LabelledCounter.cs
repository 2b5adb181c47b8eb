using System.Diagnostics.Metrics;

namespace CertAuthority.Metrics;

/// <summary>
/// Counts what happens, separately for each value of one label. The values are fixed when the program is written, so nothing that a caller
/// sends can add one.
/// </summary>
internal sealed class LabelledCounter
{
    private readonly Counter<long> instrument;
    private readonly KeyValuePair<string, object?>[] tags;
    private readonly long[] totals;

    /// <param name="meter">The meter that reports it to other listeners in this process.</param>
    /// <param name="name">The name, without the suffix of counters.</param>
    /// <param name="help">What is counted.</param>
    /// <param name="label">The name of the label.</param>
    /// <param name="values">Every value that the label can have.</param>
    public LabelledCounter(Meter meter, string name, string help, string label, params string[] values)
    {
        instrument = meter.CreateCounter<long>(name, null, help);
        (Name, Help, Label) = (name, help, label);
        tags = [.. values.Select(value => KeyValuePair.Create(label, (object?)value))];
        totals = new long[values.Length];
    }

    public string Name { get; }

    public string Help { get; }

    public string Label { get; }

    /// <summary>The totals since the start of the process, also those that are zero.</summary>
    public IEnumerable<(string Value, double Total)> Totals =>
        tags.Select((tag, which) => ((string)tag.Value!, (double)Interlocked.Read(ref totals[which])));

    /// <summary>Counts one. It allocates nothing and waits for nobody.</summary>
    /// <param name="which">The place of the label's value in the list of values.</param>
    public void Add(int which)
    {
        Interlocked.Increment(ref totals[which]);
        instrument.Add(1, tags[which]);
    }
}
