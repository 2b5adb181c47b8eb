using System.Data.Common;

namespace CertAuthority.Store;

/// <summary>A message of a chat that shows a request.</summary>
/// <param name="Channel">The channel, as the chat names it.</param>
/// <param name="Message">The message, as the chat names it.</param>
/// <param name="Revision">The revision of the request that it shows.</param>
internal sealed record ChatMessage(string Channel, string Message, long Revision);

/// <summary>The table of chat messages that later notices replace.</summary>
internal static class ChatTable
{
    // An access lasts days or weeks. After that, a new message is as good as an old one that nobody finds.
    private static readonly TimeSpan Kept = TimeSpan.FromDays(60);

    /// <summary>Returns the message that shows a request to a receiver; null if there is none.</summary>
    public static ChatMessage? FindChatMessage(this Snapshot snapshot, string receiver, string request) =>
        snapshot.QueryFirstReadable(
            "SELECT receiver, channel, message, revision FROM chat_messages WHERE receiver = $1 AND request = $2", Row, receiver, request);

    /// <summary>Records the message that shows a request from now on, and forgets those of long ago.</summary>
    public static void PutChatMessage(
        this Transaction transaction, string receiver, string request, ChatMessage message, DateTimeOffset now)
    {
        transaction.Execute("DELETE FROM chat_messages WHERE at < $1", now - Kept);
        transaction.Execute(
            """
            INSERT INTO chat_messages (receiver, request, channel, message, revision, at) VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (receiver, request) DO UPDATE SET channel = excluded.channel, message = excluded.message,
                revision = excluded.revision, at = excluded.at
            """,
            receiver, request, message.Channel, message.Message, message.Revision, now);
    }

    private static ChatMessage Row(DbDataReader row) => new(row.String("channel"), row.String("message"), row.Long("revision"));
}
