using System.Data.Common;

namespace CertAuthority.Store;

/// <summary>A query as a value, so that it can be asked before the change that needs its answer.</summary>
/// <param name="sql">The statement.</param>
/// <param name="values">The statement's <c>$1</c>, <c>$2</c>, …</param>
internal abstract class Question(string sql, object?[] values) : IEquatable<Question>
{
    public string Sql => sql;

    public object?[] Values => values;

    /// <summary>Reads the answer; null if a row cannot be read, so that whoever asks gets the error.</summary>
    public abstract object? Read(DbDataReader reader);

    /// <summary>Returns whether a certificate that is issued to a user makes an answer wrong.</summary>
    public abstract bool IsAbout(Guid user, object answer);

    public bool Equals(Question? other) =>
        other is not null && GetType() == other.GetType() && sql == other.Sql && values.AsSpan().SequenceEqual(other.Values);

    public sealed override bool Equals(object? obj) => Equals(obj as Question);

    public sealed override int GetHashCode()
    {
        var hash = default(HashCode);
        hash.Add(sql);
        foreach (var value in values)
            hash.Add(value);
        return hash.ToHashCode();
    }
}

/// <inheritdoc cref="Question"/>
/// <typeparam name="T">The type of a row.</typeparam>
/// <param name="sql">The statement.</param>
/// <param name="row">Reads a row.</param>
/// <param name="values">The statement's <c>$1</c>, <c>$2</c>, …</param>
internal sealed class Question<T>(string sql, Func<DbDataReader, T> row, params object?[] values) : Question(sql, values)
{
    public Func<DbDataReader, T> Row => row;

    /// <summary>
    /// The user whose certificates a row is about; null if no row is about certificates. If there may be no row about a user, this cannot
    /// be used.
    /// </summary>
    public Func<T, Guid>? User { get; init; }

    public override object? Read(DbDataReader reader)
    {
        var rows = new List<T>();
        try
        {
            while (reader.Read())
                rows.Add(row(reader));
            return rows;
        }
        catch (Exception e) when (e is not DbException)
        {
            return null;
        }
    }

    public override bool IsAbout(Guid user, object answer) => User is { } of && ((List<T>)answer).Exists(one => of(one) == user);
}
