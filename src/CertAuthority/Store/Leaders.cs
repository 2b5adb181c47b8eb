using CertAuthority.Protocol;

namespace CertAuthority.Store;

/// <summary>The daemon that leads, as the others know it.</summary>
internal static class Leaders
{
    /// <summary>Creates the refusal of a daemon that follows.</summary>
    public static ProblemException Alone(Database database) => new(new Problem(
        ProblemCode.Unavailable,
        $"another daemon leads{(database.Read(Host) is { Length: > 0 } host ? $", on {host}" : "")}, and does this alone",
        "call that one"));

    private static string? Host(Snapshot snapshot) => snapshot.QueryFirst("SELECT host FROM writer", row => row.GetString(0));
}
