using CertAuthority.Linux;

namespace CertAuthority.Terminal;

/// <summary>Text for one of the process's own streams.</summary>
/// <param name="stream">Which.</param>
/// <param name="showsColour">Whether a person sees colours there; <see cref="Colour"/> asks.</param>
internal sealed class StandardWriter(StandardStream stream, bool showsColour) : StreamWriter(stream)
{
    /// <summary>The data.</summary>
    public static StandardWriter Output() => new(StandardStream.Output(), IsWanted(Console.IsOutputRedirected)) { AutoFlush = true };

    /// <summary>The talk.</summary>
    public static StandardWriter Error() => new(StandardStream.Error(), IsWanted(Console.IsErrorRedirected)) { AutoFlush = true };

    public bool ShowsColour => showsColour;

    // NO_COLOR: https://no-color.org, "when present and not an empty string (regardless of its value)".
    private static bool IsWanted(bool isRedirected) =>
        !isRedirected
        && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"))
        && Environment.GetEnvironmentVariable("TERM") is { Length: > 0 } and not "dumb";
}
