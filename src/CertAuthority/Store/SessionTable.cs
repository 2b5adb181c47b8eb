using CertAuthority.Access.Users;

namespace CertAuthority.Store;

/// <summary>A login with all the certificates that belong to it. It counts once, however many hosts it opens one by one.</summary>
/// <param name="Id">A serial; the session's first certificate has the same serial, if there is one.</param>
/// <param name="Ends">The first instant at which none of its certificates is valid any more.</param>
internal sealed record LoginSession(ulong Id, DateTimeOffset Ends);

/// <summary>The table of login sessions. When a session begins, those that have ended are deleted.</summary>
internal static class SessionTable
{
    public static void BeginSession(this Transaction transaction, LoginSession session, User user, DateTimeOffset now)
    {
        transaction.Add("DELETE FROM login_sessions WHERE ends <= $1", now);
        transaction.Add("INSERT INTO login_sessions (id, user_id, ends) VALUES ($1, $2, $3)", (long)session.Id, user.Id, session.Ends);
    }

    /// <summary>Ends all sessions, because certificates issued in them may not be on record.</summary>
    public static void EndSessions(this Transaction transaction) => transaction.Execute("DELETE FROM login_sessions");

    /// <summary>Finds a user's session that has not ended; null if there is none.</summary>
    public static LoginSession? FindSession(this Snapshot snapshot, ulong id, User user, DateTimeOffset now) => snapshot.QueryFirst(
        "SELECT id, ends FROM login_sessions WHERE id = $1 AND user_id = $2 AND ends > $3",
        row => new LoginSession((ulong)row.Long("id"), row.Time("ends")), (long)id, user.Id, now);
}
