using System.Data.Common;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using CertAuthority.Access.Values;

namespace CertAuthority.Store;

/// <summary>The row of a resource cannot be read. The message names the resource and the fault.</summary>
/// <param name="kind">Its kind, which is the name of its table in the singular.</param>
/// <param name="name">Its name.</param>
/// <param name="why">What is wrong with the row.</param>
internal sealed class UnreadableResourceException(string kind, string name, Exception why) : Exception($"{kind} \"{name}\": {Plain(why)}")
{
    /// <summary>Its kind, which is the name of its table in the singular.</summary>
    public string Kind => kind;

    /// <summary>Its name.</summary>
    public string Name => name;

    // The reader's own words name types and offsets.
    private static string Plain(Exception why) =>
        why is JsonException json ? $"its row is not the JSON that certauthority writes, at {json.Path ?? "$"}" : why.Message;
}

/// <summary>A resource whose row cannot be read.</summary>
/// <param name="Kind">Its kind, which is the name of its table in the singular.</param>
/// <param name="Name">Its name.</param>
/// <param name="Id">As it is stored.</param>
/// <param name="Text">The row's JSON, or whatever is in its place.</param>
internal sealed record Unreadable(string Kind, string Name, string Id, string Text);

/// <summary>
/// The table of one kind of resources. Identity, name and revision are columns; everything else is one JSON text in a shape of its own,
/// which the
/// rules for people's files do not touch: a stricter rule must not make an old database unreadable.
/// </summary>
/// <param name="Kind">The kind, which is the name of the table in the singular.</param>
internal abstract record ResourceTable(string Kind)
{
    /// <summary>Reads every row, whatever is kept in memory, so that the inspection knows of all that cannot be read.</summary>
    public abstract void Inspect(Inspection inspection);

    /// <summary>The row of this name, if it cannot be read; null if it can, or there is none.</summary>
    public abstract Unreadable? FindUnreadable(Snapshot snapshot, string name);

    /// <summary>Removes a row that cannot be read.</summary>
    public abstract void Remove(Transaction transaction, Unreadable one);

    /// <summary>The table of a kind.</summary>
    /// <typeparam name="T">A resource of the kind.</typeparam>
    /// <typeparam name="TRow">The shape of its JSON.</typeparam>
    /// <param name="kind">The kind, which is the name of the table in the singular.</param>
    /// <param name="json">The compiled reader and writer of the shape.</param>
    /// <param name="write">The row of a resource.</param>
    /// <param name="read">The resource of a row and a name; identity and revision come from their columns.</param>
    public static ResourceTable<T> Of<T, TRow>(string kind, JsonTypeInfo<TRow> json, Func<T, TRow> write, Func<TRow, string, T> read)
        where T : Resource =>
        new(
            kind, one => JsonSerializer.Serialize(write(one), json),
            (text, name) => read(JsonSerializer.Deserialize(text, json) ?? throw new JsonException(), name));
}

/// <inheritdoc cref="ResourceTable"/>
/// <typeparam name="T">A resource of the kind.</typeparam>
/// <param name="Kind">The kind, which is the name of the table in the singular.</param>
/// <param name="Write">The JSON of a resource.</param>
/// <param name="Read">The resource of a JSON text and a name; identity and revision come from their columns.</param>
internal sealed record ResourceTable<T>(string Kind, Func<T, string> Write, Func<string, string, T> Read) : ResourceTable(Kind)
    where T : Resource
{
    private readonly string select = $"SELECT id, name, revision, resource FROM {Kind}s";

    /// <summary>
    /// Whether it belongs to the <see cref="Policy"/> that is kept in memory, so that each change begins a new generation.
    /// </summary>
    public bool IsPolicy { get; init; }

    /// <summary>Rows of other tables that are derived from a resource: called once it is written.</summary>
    public Action<Transaction, T> Written { get; init; } = (_, _) => { };

    /// <summary>Rows of other tables that end with a resource: called before it is removed, with its id as it is stored.</summary>
    public Action<Transaction, string> Removing { get; init; } = (_, _) => { };

    public List<T> All(Snapshot snapshot) => snapshot.QueryReadable($"{select} ORDER BY name", Row);

    /// <summary>All of them, and lets the caller decide what one means that cannot be read.</summary>
    public List<T> All(Snapshot snapshot, Action<StoreException> unreadable) => snapshot.Query(select, Row, unreadable);

    /// <summary>Those that a condition selects.</summary>
    /// <exception cref="StoreException">One of them cannot be read.</exception>
    public List<T> Where(Snapshot snapshot, string condition, params ReadOnlySpan<object?> values) =>
        snapshot.Query($"{select} WHERE {condition} ORDER BY name", Row, values);

    /// <exception cref="StoreException">It cannot be read.</exception>
    public T? Find(Snapshot snapshot, string name) => snapshot.QueryFirst($"{select} WHERE name = $1", Row, name);

    /// <summary>One that cannot be read is as good as gone.</summary>
    public T? Find(Snapshot snapshot, Guid id) => snapshot.QueryFirstReadable($"{select} WHERE id = $1", Row, id);

    public override void Inspect(Inspection inspection) => All(inspection, inspection.LeaveOut);

    public override Unreadable? FindUnreadable(Snapshot snapshot, string name)
    {
        try
        {
            Find(snapshot, name);
            return null;
        }
        catch (StoreException)
        {
            return snapshot.QueryFirst(
                $"SELECT id, resource FROM {Kind}s WHERE name = $1",
                row => new Unreadable(Kind, name, row.String("id"), row.String("resource")), name);
        }
    }

    public void Put(Transaction transaction, T one)
    {
        transaction.Execute(
            $"""
            INSERT INTO {Kind}s (id, name, revision, resource) VALUES ($1, $2, $3, $4)
            ON CONFLICT (id) DO UPDATE SET revision = excluded.revision, resource = excluded.resource
            """, one.Id, one.Name, one.Revision, Write(one));
        transaction.Expect($"{Kind} '{one.Name}'", one, Write, $"{select} WHERE id = $1", Row, one.Id);
        Written(transaction, one);
        BeginGeneration(transaction);
    }

    public void Remove(Transaction transaction, T one) => Remove(transaction, one.Id.ToString(), one.Name);

    public override void Remove(Transaction transaction, Unreadable one) => Remove(transaction, one.Id, one.Name);

    private void Remove(Transaction transaction, string id, string name)
    {
        Removing(transaction, id);
        transaction.Execute($"DELETE FROM {Kind}s WHERE name = $1", name);
        BeginGeneration(transaction);
    }

    private void BeginGeneration(Transaction transaction)
    {
        if (IsPolicy)
            transaction.Execute("UPDATE policy SET generation = $1", Guid.NewGuid());
    }

    private T Row(DbDataReader row)
    {
        var (id, name, revision) = (row.Id("id"), row.String("name"), row.Long("revision"));
        try
        {
            return (T)(Read(row.String("resource"), name) with { Id = id, Revision = revision });
        }
        catch (Exception e) when (e is JsonException or FormatException or ArgumentException)
        {
            throw new UnreadableResourceException(Kind, name, e);
        }
    }
}
