using System.Globalization;
using System.Text;

namespace CertAuthority.Metrics;

/// <summary>
/// Writes metrics as text: OpenMetrics 1.0, or the text format 0.0.4 of Prometheus, which is the one that the textfile collector of
/// node_exporter and promtool read. They differ in the names of counters and in the last line.
/// </summary>
/// <param name="isOpenMetrics">Whether to write OpenMetrics.</param>
internal sealed class MetricsText(bool isOpenMetrics)
{
    private readonly StringBuilder text = new();

    /// <summary>Writes a constant 1 with a label that says something about the program.</summary>
    public MetricsText Info(string name, string help, string label, string value)
    {
        if (isOpenMetrics)
            Family(name, "info", help);
        else
            Family($"{name}_info", "gauge", help);
        return Sample($"{name}_info", label, value, 1);
    }

    /// <summary>Writes a value that goes up and down. One without a value is left out.</summary>
    public MetricsText Gauge(string name, string help, double? value)
    {
        if (value is not { } number)
            return this;
        Family(name, "gauge", help);
        return Sample(name, null, null, number);
    }

    /// <summary>Writes the time of an event, in seconds since 1970. An event that never happened is left out.</summary>
    public MetricsText Time(string name, string help, DateTimeOffset? time) =>
        Gauge($"{name}_timestamp_seconds", help, (time - DateTimeOffset.UnixEpoch)?.TotalSeconds);

    /// <summary>Writes whether something is so, as 1 or 0.</summary>
    public MetricsText Flag(string name, string help, bool? isSo) => Gauge(name, help, isSo is { } known ? known ? 1 : 0 : null);

    /// <summary>Writes a value for each value of a label.</summary>
    public MetricsText Gauge(string name, string help, string label, IEnumerable<(string Value, double Number)> samples)
    {
        Family(name, "gauge", help);
        foreach (var (value, number) in samples)
            Sample(name, label, value, number);
        return this;
    }

    /// <summary>Writes a number that only grows while the process runs.</summary>
    public MetricsText Counter(string name, string help, double value)
    {
        CounterFamily(name, help);
        return Sample($"{name}_total", null, null, value);
    }

    public MetricsText Counter(LabelledCounter counter)
    {
        CounterFamily(counter.Name, counter.Help);
        foreach (var (value, total) in counter.Totals)
            Sample($"{counter.Name}_total", counter.Label, value, total);
        return this;
    }

    public MetricsText Histogram(ValueHistogram histogram)
    {
        var (ranges, sum) = histogram.Read();
        Family(histogram.Name, "histogram", histogram.Help);
        foreach (var (bound, count) in ranges)
            Sample($"{histogram.Name}_bucket", "le", Bound(bound), count);
        Sample($"{histogram.Name}_sum", null, null, sum);
        return Sample($"{histogram.Name}_count", null, null, ranges[^1].Count);
    }

    /// <summary>Returns the whole text.</summary>
    public byte[] End()
    {
        if (isOpenMetrics)
            text.Append("# EOF\n");
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private void CounterFamily(string name, string help) => Family(isOpenMetrics ? name : $"{name}_total", "counter", help);

    private void Family(string name, string type, string help)
    {
        text.Append(CultureInfo.InvariantCulture, $"# TYPE {name} {type}\n");
        // The suffix is the unit, by the rules of the format.
        foreach (var unit in isOpenMetrics ? (ReadOnlySpan<string>)["seconds", "bytes", "ratio"] : [])
            if (name.EndsWith($"_{unit}", StringComparison.Ordinal))
                text.Append(CultureInfo.InvariantCulture, $"# UNIT {name} {unit}\n");
        text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {help}\n");
    }

    // No value of a label needs an escape: all are names of ours.
    private MetricsText Sample(string name, string? label, string? value, double number)
    {
        text.Append(name);
        if (label is not null)
            text.Append(CultureInfo.InvariantCulture, $"{{{label}=\"{value}\"}}");
        text.Append(CultureInfo.InvariantCulture, $" {number}\n");
        return this;
    }

    // The form of a bound is fixed by the format: 1.0, not 1.
    private static string Bound(double bound) =>
        double.IsPositiveInfinity(bound) ? "+Inf"
        : bound == Math.Floor(bound) ? bound.ToString("0.0", CultureInfo.InvariantCulture) : bound.ToString(CultureInfo.InvariantCulture);
}
