using CertAuthority.Access.Users;

namespace CertAuthority.Store;

/// <summary>A login, with all certificates that belong to it: it counts once, however many hosts it opens one by one.</summary>
/// <param name="Id">A serial; its first certificate has the same, if it has one.</param>
/// <param name="Ends">The first instant at which none of its certificates is valid any more.</param>
internal sealed record LoginSession(ulong Id, DateTimeOffset Ends);

/// <summary>The table of login sessions. One that has ended is forgotten with the next that begins.</summary>
internal static class SessionTable
{
    public static void BeginSession(this Transaction transaction, LoginSession session, User user, DateTimeOffset now)
    {
        transaction.Execute("DELETE FROM login_sessions WHERE ends <= $1", now);
        transaction.Execute("INSERT INTO login_sessions (id, user_id, ends) VALUES ($1, $2, $3)", (long)session.Id, user.Id, session.Ends);
    }

    /// <summary>Ends all sessions: what was issued in them may not be on record.</summary>
    public static void EndSessions(this Transaction transaction) => transaction.Execute("DELETE FROM login_sessions");

    /// <summary>A session of a user that has not ended; null where there is none.</summary>
    public static LoginSession? FindSession(this Snapshot snapshot, ulong id, User user, DateTimeOffset now) => snapshot.QueryFirst(
        "SELECT id, ends FROM login_sessions WHERE id = $1 AND user_id = $2 AND ends > $3",
        row => new LoginSession((ulong)row.Long("id"), row.Time("ends")), (long)id, user.Id, now);
}
