using System.Diagnostics.Metrics;
using System.Text;
using CertAuthority.Metrics;

namespace CertAuthority.Tests.Unit.Metrics;

public sealed class InstrumentTests : IDisposable
{
    private readonly Meter meter = new("test");

    [Fact]
    public void Counter_has_each_value_from_the_start()
    {
        var counter = new LabelledCounter(meter, "calls", "Calls.", "code", "good", "bad");
        counter.Add(1);
        counter.Add(1);

        Assert.Equal([("good", 0), ("bad", 2)], counter.Totals);
    }

    [Fact]
    public void Histogram_counts_each_value_in_its_range()
    {
        var histogram = new ValueHistogram(meter, "sizes", "Sizes.", 1, 2, 4);
        foreach (var value in (double[])[0, 1, 1.5, 4, 4.1, 1000])
            histogram.Add(value);

        var (ranges, sum) = histogram.Read();

        Assert.Equal([(1, 2), (2, 3), (4, 4), (double.PositiveInfinity, 6)], ranges);
        Assert.Equal(1010.6, sum, 6);
    }

    [Fact]
    public void Listener_gets_what_the_metrics_have()
    {
        var heard = new List<(string Name, double Value, object? Label)>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter == meter)
                    listener.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => heard.Add((instrument.Name, value, tags[0].Value)));
        listener.SetMeasurementEventCallback<double>((instrument, value, _, _) => heard.Add((instrument.Name, value, null)));
        listener.Start();

        new LabelledCounter(meter, "calls", "Calls.", "code", "good", "bad").Add(0);
        new ValueHistogram(meter, "sizes", "Sizes.", 1).Add(7);

        Assert.Equal([("calls", 1, "good"), ("sizes", 7, null)], heard);
    }

    [Fact]
    public void Counting_and_measuring_allocate_nothing()
    {
        var (counter, histogram) = (new LabelledCounter(meter, "calls", "Calls.", "code", "good"), new ValueHistogram(meter, "sizes", "Sizes.", 1));
        Count();
        var before = GC.GetAllocatedBytesForCurrentThread();

        Count();

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());

        void Count()
        {
            for (var i = 0; i < 1000; i++)
            {
                counter.Add(0);
                histogram.Add(i);
            }
        }
    }

    [Fact]
    public void The_two_formats_differ_in_counters_and_the_end()
    {
        var counter = new LabelledCounter(meter, "calls", "Calls.", "code", "good");
        var histogram = new ValueHistogram(meter, "wait_seconds", "Wait.", 0.5, 1);
        histogram.Add(0.25);

        Assert.Equal(
            """
            # TYPE build info
            # HELP build Build.
            build_info{version="1"} 1
            # TYPE calls counter
            # HELP calls Calls.
            calls_total{code="good"} 0
            # TYPE wait_seconds histogram
            # UNIT wait_seconds seconds
            # HELP wait_seconds Wait.
            wait_seconds_bucket{le="0.5"} 1
            wait_seconds_bucket{le="1.0"} 1
            wait_seconds_bucket{le="+Inf"} 1
            wait_seconds_sum 0.25
            wait_seconds_count 1
            # EOF

            """, Write(isOpenMetrics: true));
        Assert.Equal(
            """
            # TYPE build_info gauge
            # HELP build_info Build.
            build_info{version="1"} 1
            # TYPE calls_total counter
            # HELP calls_total Calls.
            calls_total{code="good"} 0
            # TYPE wait_seconds histogram
            # HELP wait_seconds Wait.
            wait_seconds_bucket{le="0.5"} 1
            wait_seconds_bucket{le="1.0"} 1
            wait_seconds_bucket{le="+Inf"} 1
            wait_seconds_sum 0.25
            wait_seconds_count 1

            """, Write(isOpenMetrics: false));

        string Write(bool isOpenMetrics) => Encoding.UTF8.GetString(
            new MetricsText(isOpenMetrics).Info("build", "Build.", "version", "1").Counter(counter).Histogram(histogram)
                .Gauge("absent", "Absent.", null).End());
    }

    public void Dispose() => meter.Dispose();
}
