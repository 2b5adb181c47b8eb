using System.Data.Common;
using System.Text.RegularExpressions;
using CertAuthority.Protocol;

namespace CertAuthority.Store;

/// <summary>The database at one moment. The files of the tables define what it can read.</summary>
internal partial class Snapshot(Session session)
{
    protected Session Session { get; } = session;

    /// <summary>Reads every row. Use it for decisions: a row that cannot be read may be the one that denies.</summary>
    /// <exception cref="StoreException">A row cannot be read.</exception>
    public List<T> Query<T>(string sql, Func<DbDataReader, T> row, params ReadOnlySpan<object?> values) =>
        Query(sql, row, Unreadable, values);

    /// <summary>Returns the answer that was read ahead, or reads it now; a row that cannot be read is an error.</summary>
    /// <exception cref="StoreException">A row cannot be read.</exception>
    public List<T> Ask<T>(Question<T> question) => Session.Answer(question) ?? Query(question.Sql, question.Row, question.Values);

    /// <summary>
    /// Reads every row that can be read. Use it for rows that affect nothing else, such as nodes: a broken row must not stop the work for
    /// the rest.
    /// </summary>
    public List<T> QueryReadable<T>(string sql, Func<DbDataReader, T> row, params ReadOnlySpan<object?> values) =>
        Query(sql, row, LeaveOut, values);

    /// <summary>Reads every row, and lets the caller decide how to handle one that cannot be read.</summary>
    /// <param name="sql">The statement.</param>
    /// <param name="row">Reads a row.</param>
    /// <param name="unreadable">Called with each row that cannot be read; the row is then left out, unless this throws.</param>
    /// <param name="values">The statement's <c>$1</c>, <c>$2</c>, …</param>
    public List<T> Query<T>(string sql, Func<DbDataReader, T> row, Action<StoreException> unreadable, params ReadOnlySpan<object?> values)
    {
        var rows = new List<T>();
        using var reader = Session.Query(sql, values);
        while (reader.Read())
            if (Read(sql, reader, row, out var fault) is var one && fault is null)
                rows.Add(one!);
            else
                unreadable(fault!);
        return rows;
    }

    public T? QueryFirst<T>(string sql, Func<DbDataReader, T> row, params ReadOnlySpan<object?> values)
    {
        using var reader = Session.Query(sql, values);
        return !reader.Read() ? default : Read(sql, reader, row, out var fault) is var one && fault is null ? one : throw fault!;
    }

    /// <summary>Reads the first row that can be read; see <see cref="QueryReadable"/>.</summary>
    public T? QueryFirstReadable<T>(string sql, Func<DbDataReader, T> row, params ReadOnlySpan<object?> values)
    {
        using var reader = Session.Query(sql, values);
        while (reader.Read())
        {
            var one = Read(sql, reader, row, out var fault);
            if (fault is null)
                return one;
            LeaveOut(fault);
        }
        return default;
    }

    /// <summary>Called with a row that cannot be read but must be.</summary>
    protected virtual void Unreadable(StoreException row) => throw row;

    /// <summary>Called with a row that cannot be read and is left out.</summary>
    public virtual void LeaveOut(StoreException row) => Session.LeftOut(row.Message);

    // A row that the schema accepts and the daemon never wrote: somebody edited the file.
    private static T? Read<T>(string sql, DbDataReader reader, Func<DbDataReader, T> row, out StoreException? fault)
    {
        fault = null;
        try
        {
            return row(reader);
        }
        catch (Exception e) when (e is not DbException)
        {
            var key = reader.GetColumnSchema()[0];
            fault = StoreException.OfRow(
                key.BaseTableName ?? TableIn(sql), key.BaseColumnName ?? key.ColumnName, reader.GetValue(0), e);
            return default;
        }
    }

    // Not every engine says from which table a row comes.
    private static string TableIn(string sql) => FirstTable().Match(sql).Groups["table"].Value;

    [GeneratedRegex(@"\b(FROM|UPDATE|INTO)\s+(?<table>\w+)", RegexOptions.ExplicitCapture)]
    private static partial Regex FirstTable();

    /// <summary>The policy of this moment, once something has asked for it; see <see cref="PolicyTables"/>.</summary>
    public Policy? PolicyNow { get; set; }

    /// <summary>The policy cache; see <see cref="PolicyTables"/>.</summary>
    public PolicyCache Policies => Session.Policies;
}

/// <summary>Reads like any snapshot, but collects the rows that cannot be read instead of failing.</summary>
internal sealed class Inspection(Session session) : Snapshot(session)
{
    private readonly SortedSet<string> damaged = new(StringComparer.Ordinal);

    /// <summary>One sentence for each unreadable row found so far.</summary>
    public IEnumerable<string> Damaged => damaged;

    protected override void Unreadable(StoreException row) => damaged.Add(row.Message);

    public override void LeaveOut(StoreException row) => damaged.Add(row.Message);
}

/// <summary>The open transaction of one change. Other changes may share its commit, but none sees it half done.</summary>
internal sealed class Transaction(Session session) : Snapshot(session)
{
    /// <summary>The audit entries of the change, in order.</summary>
    public List<AuditEntry> Audited { get; } = [];

    /// <summary>What the change can take access away from; <c>Withdrawals</c> reviews it before the change ends.</summary>
    public Touched Touched { get; } = new();

    /// <summary>Runs a statement now, and returns how many rows it changed.</summary>
    public int Execute(string sql, params ReadOnlySpan<object?> values) => Session.Execute(sql, values);

    /// <summary>
    /// Runs a statement at the latest with the next one that reads, or with the commit. Its error is the one of the change, as always; but
    /// the change cannot catch it.
    /// </summary>
    public void Write(string sql, params ReadOnlySpan<object?> values) => Session.Write(sql, values);

    /// <summary>
    /// Like <see cref="Write"/>, for a statement that changes no answer which another change may have read ahead, but those about the
    /// certificates of a user; see <see cref="Issued"/>.
    /// </summary>
    public void Add(string sql, params ReadOnlySpan<object?> values) => Session.Add(sql, values);

    /// <summary>Returns the answer that was read ahead; null if it was not, or is no longer right.</summary>
    public List<T>? Known<T>(Question<T> question) => Session.Answer(question);

    /// <summary>Notes the answer that a question has since <see cref="Add"/>.</summary>
    public void Note<T>(Question<T> question, T answer) => Session.Note(question, [answer]);

    /// <summary>Forgets what was read ahead about the certificates of a user, who gets one more.</summary>
    public void Issued(Guid user) => Session.Forget(user);
}
