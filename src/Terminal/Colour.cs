using CertAuthority.Protocol;

namespace CertAuthority.Terminal;

/// <summary>
/// Adds colours for people: only on a terminal, separately for stdout and stderr, and never if NO_COLOR or TERM=dumb is set. The text
/// inside is already escaped, and colour is never the only carrier of a meaning.
/// </summary>
internal static class Colour
{
    private const string Red = "31", Green = "32", Yellow = "33", Dim = "2";

    /// <summary>Whether output to this writer may have colours.</summary>
    public static bool IsShownBy(TextWriter writer) => writer is StandardWriter { ShowsColour: true };

    /// <summary>Colours <c>error:</c> and <c>warning:</c>.</summary>
    public static string OfTalk(string kind) => kind switch
    {
        "error:" => Painted(Red, kind),
        "warning:" => Painted(Yellow, kind),
        _ => kind,
    };

    /// <summary>Colours the state of a request or of a certificate; other words stay unchanged.</summary>
    public static string OfState(string state) => state switch
    {
        RequestStates.Approved or "VALID" => Painted(Green, state),
        RequestStates.Pending => Painted(Yellow, state),
        RequestStates.Denied or "REVOKED" => Painted(Red, state),
        RequestStates.Expired or RequestStates.Cancelled => Painted(Dim, state),
        _ => state,
    };

    private static string Painted(string colour, string text) => $"\u001b[{colour}m{text}\u001b[0m";
}
