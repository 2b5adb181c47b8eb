using System.Data.Common;
using CertAuthority.Protocol;

namespace CertAuthority.Store;

/// <summary>
/// Reads what was just written, in the transaction that wrote it, with the code that reads it at the next start. A row that reads
/// differently, or not at all, is undone: an unreadable row could not be changed or removed either.
/// </summary>
internal static class ReadBack
{
    /// <param name="transaction">The transaction that wrote the row.</param>
    /// <param name="what">The kind and the name, for the refusal: <c>role 'dba'</c>.</param>
    /// <param name="meant">The value that the row should have.</param>
    /// <param name="shown">Converts a value with all its fields to a text for comparison.</param>
    /// <param name="sql">Selects the row by its id, with the columns that <paramref name="row"/> reads.</param>
    /// <param name="row">The reader of the table.</param>
    /// <param name="id">The ID of the row.</param>
    /// <returns>The value as it was read.</returns>
    /// <exception cref="ProblemException">The row reads differently.</exception>
    public static T Expect<T>(
        this Transaction transaction, string what, T meant, Func<T, string> shown, string sql, Func<DbDataReader, T> row, Guid id)
        where T : class
    {
        T? read;
        try
        {
            read = transaction.QueryFirst(sql, row, id);
        }
        catch (StoreException unreadable)
        {
            throw Refused($"it could not be read again: {unreadable.InnerException?.Message ?? unreadable.Message}");
        }
        if (read is null || shown(read) != shown(meant))
            throw Refused("it would be read again as something else");
        return read;

        ProblemException Refused(string why) =>
            new(new Problem(ProblemCode.Invalid, $"{what} was not stored, and nothing was changed: {why}"));
    }
}
