using System.Collections.Concurrent;

namespace CertAuthority.Ui.Serving;

/// <summary>
/// Messages for the page that a browser is sent to. They are in this process, so that no address can put words into our mouth.
/// </summary>
internal sealed class Messages
{
    private const int Most = 100;

    private readonly ConcurrentDictionary<long, IReadOnlyList<Said>> kept = new();
    private long last;

    /// <summary>Keeps messages; returns the number under which they are read.</summary>
    public long Keep(IReadOnlyList<Said> said)
    {
        var number = Interlocked.Increment(ref last);
        kept[number] = said;
        kept.TryRemove(number - Most, out _);
        return number;
    }

    /// <summary>Returns the messages with a number.</summary>
    public IReadOnlyList<Said> Of(string? number) => long.TryParse(number, out var one) && kept.TryGetValue(one, out var said) ? said : [];
}
