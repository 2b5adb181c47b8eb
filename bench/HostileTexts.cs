using System.Diagnostics;
using System.Text;
using CertAuthority.Resources;

namespace CertAuthority.Bench;

/// <summary>What hostile resource files cost the daemon before it refuses them, beside what it costs to look at each byte once.</summary>
internal static class HostileTexts
{
    private static readonly Dictionary<string, byte[]> Texts = new()
    {
        ["10,000 opened brackets"] = Utf8(new string('[', 10_000)),
        ["10,000 closed brackets"] = Utf8(new string('[', 10_000) + new string(']', 10_000)),
        ["10,000 braces"] = Utf8(string.Concat(Enumerable.Repeat("{a: ", 10_000))),
        ["10,000 lists in lists"] = Utf8(string.Concat(Enumerable.Repeat("- ", 10_000)) + "x"),
        ["10,000 keys in keys"] = Utf8(string.Concat(Enumerable.Repeat("? ", 10_000)) + "x"),
        ["1,000 indented maps"] = Utf8(string.Concat(Enumerable.Range(0, 1_000).Select(n => $"{new string(' ', n)}a:\n"))),
        ["1 MiB of brackets"] = Utf8(new string('[', 1 << 20)),
        ["1 MiB of one word"] = Utf8("a: " + new string('x', (1 << 20) - 3)),
        ["1 MiB of one quoted word"] = Utf8("a: \"" + new string('x', (1 << 20) - 5) + "\""),
        ["1 MiB of list, one line of YAML"] = Utf8($"a: [{string.Concat(Enumerable.Repeat("x, ", 349_000))}]"),
        ["1 MiB of list, one line of JSON"] = Utf8($"{{\"a\": [{string.Join(',', Enumerable.Repeat("\"x\"", 260_000))}]}}"),
        ["1 MiB of list, a line each"] = Utf8("a:\n" + string.Concat(Enumerable.Repeat("- x\n", 262_000))),
        ["1 MiB of one key"] = Utf8(string.Concat(Enumerable.Repeat("a: 1\n", 209_000))),
        ["1 MiB of keys"] = Utf8(string.Concat(Enumerable.Range(0, 100_000).Select(n => $"k{n}: 1\n"))),
        ["1 MiB of anchors"] = Utf8(string.Concat(Enumerable.Range(0, 90_000).Select(n => $"- &a{n} 1\n"))),
        ["1 MiB of documents"] = Utf8(string.Concat(Enumerable.Repeat("---\na: 1\n", 116_000))),
        ["1 MiB of comments"] = Utf8(string.Concat(Enumerable.Repeat("# x\n", 262_000))),
        ["1 MiB of blanks"] = Utf8(new string(' ', 1 << 20)),
        ["1 MiB of NUL"] = new byte[1 << 20],
        ["1 MiB of UTF-16"] = Encoding.Unicode.GetBytes(new string('x', 1 << 19)),
    };

    public static void Print()
    {
        Console.WriteLine($"{"text",-34}{"ms",8}{"MB",8}{"x UTF-8",10}  first fault");
        foreach (var (name, text) in Texts)
        {
            var first = "";
            var (best, allocated) = Best(() =>
            {
                var faults = new Faults("f");
                var documents = ResourceText.Parse(text, faults);
                first = faults.Lines is [var fault, ..] lines ? $"{fault} ({lines.Length})" : $"none, {documents.Count} documents";
            });
            var (decoding, _) = Best(() => Encoding.UTF8.GetString(text));
            Console.WriteLine($"{name,-34}{best.TotalMilliseconds,8:0.0}{allocated / 1e6,8:0.0}{best / decoding,10:0}  {first}");
        }
    }

    private static (TimeSpan Took, long Allocated) Best(Action action)
    {
        var (best, allocated) = (TimeSpan.MaxValue, 0L);
        for (var i = 0; i < 5; i++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            var clock = Stopwatch.StartNew();
            action();
            var took = clock.Elapsed;
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            best = took < best ? took : best;
        }
        return (best, allocated);
    }

    private static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);
}
