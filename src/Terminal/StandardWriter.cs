using CertAuthority.Linux;

namespace CertAuthority.Terminal;

/// <summary>Writes text to one of the standard streams of the process.</summary>
/// <param name="stream">The stream.</param>
/// <param name="showsColour">Whether a person sees colours there; <see cref="Colour"/> reads it.</param>
internal sealed class StandardWriter(StandardStream stream, bool showsColour) : StreamWriter(stream)
{
    /// <summary>Returns the writer for data.</summary>
    public static StandardWriter Output() => new(StandardStream.Output(), IsWanted(Console.IsOutputRedirected))
    {
        AutoFlush = true,
        Columns = StandardStream.Columns()
    };

    /// <summary>Returns the writer for messages.</summary>
    public static StandardWriter Error() => new(StandardStream.Error(), IsWanted(Console.IsErrorRedirected)) { AutoFlush = true };

    public bool ShowsColour => showsColour;

    /// <summary>How wide the terminal is; null if this is none, or not the one for data.</summary>
    public int? Columns { get; private init; }

    // NO_COLOR: https://no-color.org, "when present and not an empty string (regardless of its value)".
    private static bool IsWanted(bool isRedirected) =>
        !isRedirected
        && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"))
        && Environment.GetEnvironmentVariable("TERM") is { Length: > 0 } and not "dumb";
}
