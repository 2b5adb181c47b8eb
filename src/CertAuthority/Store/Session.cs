using System.Data.Common;

namespace CertAuthority.Store;

/// <summary>A statement with its parameters.</summary>
/// <param name="Command">The statement, prepared on its connection.</param>
/// <param name="Values">Which value each parameter takes, by the place of the value.</param>
internal sealed record Statement(DbCommand Command, int[] Values);

/// <summary>Creates a statement with the parameters <c>$1</c>, <c>$2</c>, …</summary>
/// <param name="connection">The connection on which it runs.</param>
/// <param name="sql">The text. It need not contain every parameter.</param>
/// <param name="count">The number of values that it is given.</param>
internal delegate Statement Prepare(DbConnection connection, string sql, int count);

/// <summary>
/// One connection and the statements prepared on it. Where an answer takes long, a transaction that writes keeps back the statements whose
/// results nobody looks at, and sends them with the next one that somebody looks at; and what its changes will ask, it asks together at its
/// beginning.
/// </summary>
/// <param name="prepare">Creates the statements.</param>
/// <param name="connection">The connection; the session closes it at its end.</param>
/// <param name="policies">The last policy that any connection has read.</param>
/// <param name="leftOut">Called with a sentence about each unreadable row, every time that one is left out.</param>
internal sealed class Session(Prepare prepare, DbConnection connection, PolicyCache policies, Action<string> leftOut) : IDisposable
{
    private readonly Dictionary<string, Statement> prepared = new(StringComparer.Ordinal);
    private readonly Dictionary<Question, object> answers = [];
    private DbBatch? waiting;

    // Of the present change: where its statements begin among those that wait, and what the server knows of it.
    private int begin;
    private bool hasWritten;
    private bool hasSavepoint;

    public DbConnection Connection { get; } = connection;

    public PolicyCache Policies { get; } = policies;

    public Action<string> LeftOut { get; } = leftOut;

    /// <summary>Whether statements are kept back. If one of them fails, another one gets the error, perhaps of another change.</summary>
    public bool KeepsBack { get; private set; }

    /// <summary>The first error of this transaction, if statements are kept back; null for none.</summary>
    public DbException? Fault { get; private set; }

    /// <summary>Returns the prepared statement with <c>$1</c>, <c>$2</c>, … set to the values.</summary>
    public DbCommand Bind(string sql, params ReadOnlySpan<object?> values)
    {
        var statement = Prepared(sql, values.Length);
        for (var i = 0; i < statement.Values.Length; i++)
            statement.Command.Parameters[i].Value = Stored(values[statement.Values[i]]);
        return statement.Command;
    }

    /// <summary>Forgets what is left of the last transaction.</summary>
    /// <param name="keepsBack">Whether the next one keeps statements back.</param>
    public void Begin(bool keepsBack)
    {
        (KeepsBack, Fault, waiting) = (keepsBack, null, null);
        answers.Clear();
    }

    /// <summary>Begins a change, whose writes can be undone alone.</summary>
    public void BeginChange()
    {
        (begin, hasWritten, hasSavepoint) = (waiting?.BatchCommands.Count ?? 0, false, !KeepsBack);
        if (!KeepsBack)
            Bind("SAVEPOINT change").ExecuteNonQuery();
    }

    /// <summary>Undoes what the change has written so far.</summary>
    public void UndoChange()
    {
        while (waiting is { BatchCommands: var all } && all.Count > begin)
            all.RemoveAt(all.Count - 1);
        if (hasSavepoint)
            Run("ROLLBACK TO change");
        if (hasWritten)
            answers.Clear();
    }

    /// <summary>Ends the change.</summary>
    public void EndChange()
    {
        if (hasSavepoint)
            Run("RELEASE change");
    }

    /// <summary>Adds questions to a batch of statements.</summary>
    public void Ask(DbBatch batch, IEnumerable<Question> questions)
    {
        foreach (var question in questions)
            Add(batch, question.Sql, question.Values);
    }

    /// <summary>Reads the answers to questions that were added to a batch; the reader is at the result before the first of them.</summary>
    public void ReadAnswers(DbDataReader reader, IEnumerable<Question> questions)
    {
        foreach (var question in questions)
            if (!reader.NextResult())
                throw new InvalidOperationException("a question has no answer");
            else if (question.Read(reader) is { } answer)
                answers[question] = answer;
    }

    /// <summary>Returns the answer to a question if it was asked before and nothing has been written since that changes it.</summary>
    public List<T>? Answer<T>(Question<T> question) => answers.GetValueOrDefault(question) as List<T>;

    /// <summary>Notes the answer that a question has since something was written.</summary>
    public void Note<T>(Question<T> question, List<T> answer) => answers[question] = answer;

    /// <summary>Forgets the answers that a certificate makes wrong which is issued to a user.</summary>
    public void Forget(Guid user)
    {
        foreach (var (question, _) in answers.Where(one => one.Key.IsAbout(user, one.Value)).ToList())
            answers.Remove(question);
    }

    /// <summary>Runs a query now.</summary>
    public DbDataReader Query(string sql, params ReadOnlySpan<object?> values)
    {
        // Some return a row of what they write.
        if (!sql.StartsWith("SELECT", StringComparison.Ordinal))
            Written();
        if (!KeepsBack)
            return Bind(sql, values).ExecuteReader();
        try
        {
            return Sent(sql, values) is { } batch ? batch.ExecuteReader() : Bind(sql, values).ExecuteReader();
        }
        catch (DbException e)
        {
            Fault ??= e;
            throw;
        }
    }

    /// <summary>Runs a statement now, and returns how many rows it changed.</summary>
    public int Execute(string sql, params ReadOnlySpan<object?> values)
    {
        Written();
        if (!KeepsBack)
            return Bind(sql, values).ExecuteNonQuery();
        try
        {
            if (Sent(sql, values) is not { } batch)
                return Bind(sql, values).ExecuteNonQuery();
            batch.ExecuteNonQuery();
            return batch.BatchCommands[^1].RecordsAffected;
        }
        catch (DbException e)
        {
            Fault ??= e;
            throw;
        }
    }

    /// <summary>
    /// Runs a statement whose result nobody looks at, now or later. It must return no rows: whoever reads an answer takes the first one.
    /// </summary>
    public void Write(string sql, params ReadOnlySpan<object?> values)
    {
        Written();
        Add(sql, values);
    }

    /// <summary>Like <see cref="Write"/>, for a statement that makes no answer wrong.</summary>
    /// <exception cref="ArgumentException">The statement could return rows.</exception>
    public void Add(string sql, params ReadOnlySpan<object?> values)
    {
        if (!(sql.StartsWith("INSERT", StringComparison.Ordinal) || sql.StartsWith("UPDATE", StringComparison.Ordinal)
            || sql.StartsWith("DELETE", StringComparison.Ordinal)) || sql.Contains("RETURNING", StringComparison.Ordinal))
            throw new ArgumentException($"rows of it would be taken for the answer to another statement: {sql}", nameof(sql));
        hasWritten = true;
        Run(sql, values);
    }

    /// <summary>Returns the statements that wait, so that the transaction can be committed with them.</summary>
    public DbBatch TakeWaiting()
    {
        var taken = waiting ?? Connection.CreateBatch();
        waiting = null;
        return taken;
    }

    public void Dispose()
    {
        foreach (var statement in prepared.Values)
            statement.Command.Dispose();
        Connection.Dispose();
    }

    private void Written()
    {
        hasWritten = true;
        answers.Clear();
    }

    private void Run(string sql, params ReadOnlySpan<object?> values)
    {
        if (KeepsBack)
            Add(waiting ??= Connection.CreateBatch(), sql, values);
        else
            Bind(sql, values).ExecuteNonQuery();
    }

    /// <summary>Returns everything that waits, and a statement at its end, to be sent now; null if the statement is all there is.</summary>
    private DbBatch? Sent(string sql, ReadOnlySpan<object?> values)
    {
        if (hasWritten && !hasSavepoint)
        {
            waiting ??= Connection.CreateBatch();
            waiting.BatchCommands.Insert(begin, Command(waiting, "SAVEPOINT change", []));
            hasSavepoint = true;
        }
        if (waiting is null)
            return null;
        Add(waiting, sql, values);
        begin = 0;
        return TakeWaiting();
    }

    private void Add(DbBatch batch, string sql, ReadOnlySpan<object?> values) => batch.BatchCommands.Add(Command(batch, sql, values));

    private DbBatchCommand Command(DbBatch batch, string sql, ReadOnlySpan<object?> values)
    {
        var statement = Prepared(sql, values.Length);
        var command = batch.CreateBatchCommand();
        command.CommandText = statement.Command.CommandText;
        foreach (var place in statement.Values)
        {
            var parameter = command.CreateParameter();
            parameter.Value = Stored(values[place]);
            command.Parameters.Add(parameter);
        }
        return command;
    }

    private Statement Prepared(string sql, int count)
    {
        if (!prepared.TryGetValue(sql, out var statement))
            prepared[sql] = statement = prepare(Connection, sql, count);
        return statement;
    }

    private static object Stored(object? value) => value switch
    {
        null => DBNull.Value,
        Guid id => id.ToString(),
        DateTimeOffset time => time.ToUnixTimeSeconds(),
        TimeSpan length => (long)length.TotalSeconds,
        // Tables have no other types of numbers.
        bool flag => flag ? 1L : 0L,
        int number => (long)number,
        var plain => plain,
    };
}
