using System.Data.Common;
using CertAuthority.Protocol;

namespace CertAuthority.Store;

/// <summary>
/// Reads what was just written, in the transaction that wrote it, by the code that reads it at the next start. What it reads otherwise, or
/// not at all, is
/// undone: a row that nobody can read could not be changed or removed either.
/// </summary>
internal static class ReadBack
{
    /// <param name="transaction">The one that wrote the row.</param>
    /// <param name="what">The kind and the name, for the refusal: <c>role 'dba'</c>.</param>
    /// <param name="meant">What the row was to hold.</param>
    /// <param name="shown">Everything that a row holds, as a text to compare.</param>
    /// <param name="sql">Selects the row by its id, with the columns that <paramref name="row"/> reads.</param>
    /// <param name="row">The reader of the table.</param>
    /// <param name="id">The row's.</param>
    /// <exception cref="ProblemException">It reads otherwise.</exception>
    public static void Expect<T>(
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

        ProblemException Refused(string why) =>
            new(new Problem(ProblemCode.Invalid, $"{what} was not stored, and nothing was changed: {why}"));
    }
}
