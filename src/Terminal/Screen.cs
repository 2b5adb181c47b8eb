using System.CommandLine;

namespace CertAuthority.Terminal;

/// <summary>The terminal as a page that is filled from the top.</summary>
public static class Screen
{
    // Cursor to the first place, then everything erased.
    private const string Clear = "\u001b[H\u001b[2J";

    extension(ParseResult parsed)
    {
        /// <summary>Clears the terminal of stdout; does nothing if there is none, or if it cannot be cleared.</summary>
        public void ClearScreen()
        {
            if (!Console.IsOutputRedirected && Environment.GetEnvironmentVariable("TERM") is { Length: > 0 } and not "dumb")
                parsed.InvocationConfiguration.Output.Write(Clear);
        }
    }
}
