using System.Data.Common;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using CertAuthority.Access.Values;

namespace CertAuthority.Store;

/// <summary>The row of a resource cannot be read. The message names the resource and the fault.</summary>
/// <param name="kind">The kind, which is the singular of its table's name.</param>
/// <param name="name">The name of the resource.</param>
/// <param name="why">What is wrong with the row.</param>
internal sealed class UnreadableResourceException(string kind, string name, Exception why) : Exception($"{kind} \"{name}\": {Plain(why)}")
{
    /// <summary>The kind, which is the singular of its table's name.</summary>
    public string Kind => kind;

    /// <summary>The name of the resource.</summary>
    public string Name => name;

    // The original message names types and offsets.
    private static string Plain(Exception why) =>
        why is JsonException json ? $"its row is not the JSON that certauthority writes, at {json.Path ?? "$"}" : why.Message;
}

/// <summary>A resource whose row cannot be read.</summary>
/// <param name="Kind">The kind, which is the singular of its table's name.</param>
/// <param name="Name">The name of the resource.</param>
/// <param name="Id">The ID as it is stored.</param>
/// <param name="Text">The row's JSON, or whatever is stored instead.</param>
internal sealed record Unreadable(string Kind, string Name, string Id, string Text);

/// <summary>
/// The table of one kind of resource. ID, name and revision are columns; everything else is one JSON text in its own format. The rules for
/// people's files do not apply to it: a stricter rule must not make an old database unreadable.
/// </summary>
/// <param name="Kind">The kind, which is the singular of the table's name.</param>
internal abstract record ResourceTable(string Kind)
{
    /// <summary>Reads every row, bypassing the cache, so that the inspection finds every row that cannot be read.</summary>
    public abstract void Inspect(Inspection inspection);

    /// <summary>Returns the row with this name if it cannot be read; null if it can, or if there is none.</summary>
    public abstract Unreadable? FindUnreadable(Snapshot snapshot, string name);

    /// <summary>Removes a row that cannot be read.</summary>
    public abstract void Remove(Transaction transaction, Unreadable one);

    /// <summary>Creates the table of a kind.</summary>
    /// <typeparam name="T">The resource type of the kind.</typeparam>
    /// <typeparam name="TRow">The type of its JSON.</typeparam>
    /// <param name="kind">The kind, which is the singular of the table's name.</param>
    /// <param name="json">The compiled serializer of the JSON type.</param>
    /// <param name="write">Converts a resource to a row.</param>
    /// <param name="read">Converts a row and a name to a resource; ID and revision come from their columns.</param>
    /// <param name="touch">
    /// Notes in <see cref="Transaction.Touched"/> what a change can take away; given the resource before it and after it, or null.
    /// </param>
    public static ResourceTable<T> Of<T, TRow>(
        string kind, JsonTypeInfo<TRow> json, Func<T, TRow> write, Func<TRow, string, T> read, Action<Transaction, T?, T?> touch)
        where T : Resource =>
        new(
            kind, one => JsonSerializer.Serialize(write(one), json),
            (text, name) => read(JsonSerializer.Deserialize(text, json) ?? throw new JsonException(), name), touch);
}

/// <inheritdoc cref="ResourceTable"/>
/// <typeparam name="T">The resource type of the kind.</typeparam>
/// <param name="Kind">The kind, which is the singular of the table's name.</param>
/// <param name="Write">Converts a resource to JSON.</param>
/// <param name="Read">Converts a JSON text and a name to a resource; ID and revision come from their columns.</param>
/// <param name="Touch">Notes what a change can take away; given the resource before it and after it, or null.</param>
internal sealed record ResourceTable<T>(
    string Kind, Func<T, string> Write, Func<string, string, T> Read, Action<Transaction, T?, T?> Touch) : ResourceTable(Kind)
    where T : Resource
{
    private readonly string select = $"SELECT id, name, revision, resource FROM {Kind}s";

    /// <summary>
    /// Changes one row, given its name and the new resource or null, in the <see cref="Policy"/> that is cached: each change of the table
    /// begins a new generation. Null if the table does not belong to the policy.
    /// </summary>
    public Func<Policy, string, string, T?, Policy>? InPolicy { get; init; }

    /// <summary>Updates the rows of other tables that are derived from a resource; called after it is written.</summary>
    public Action<Transaction, T> Written { get; init; } = (_, _) => { };

    /// <summary>
    /// Removes the rows of other tables that end with a resource; called before it is removed, with its ID as it is stored.
    /// </summary>
    public Action<Transaction, string> Removing { get; init; } = (_, _) => { };

    public List<T> All(Snapshot snapshot) => snapshot.QueryReadable($"{select} ORDER BY name", Row);

    /// <summary>Returns all resources, and lets the caller decide how to handle one that cannot be read.</summary>
    public List<T> All(Snapshot snapshot, Action<StoreException> unreadable) => snapshot.Query(select, Row, unreadable);

    /// <summary>Asks for the resources that match a condition.</summary>
    public Question<T> Where(string condition, params object?[] values) => new($"{select} WHERE {condition} ORDER BY name", Row, values);

    /// <summary>Returns the resources that match a condition, without those that cannot be read.</summary>
    public List<T> WhereReadable(Snapshot snapshot, string condition, params ReadOnlySpan<object?> values) =>
        snapshot.QueryReadable($"{select} WHERE {condition} ORDER BY name", Row, values);

    /// <exception cref="StoreException">It cannot be read.</exception>
    public T? Find(Snapshot snapshot, string name) => snapshot.QueryFirst($"{select} WHERE name = $1", Row, name);

    /// <summary>Finds a resource by its ID. A resource that cannot be read counts as removed.</summary>
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
        var before = Find(transaction, one.Id);
        if (before is null || before.Revision != one.Revision || Write(before) != Write(one))
            Touch(transaction, before, one);
        transaction.Write(
            $"""
            INSERT INTO {Kind}s (id, name, revision, resource) VALUES ($1, $2, $3, $4)
            ON CONFLICT (id) DO UPDATE SET revision = excluded.revision, resource = excluded.resource
            """, one.Id, one.Name, one.Revision, Write(one));
        var stored = transaction.Expect($"{Kind} '{one.Name}'", one, Write, $"{select} WHERE id = $1", Row, one.Id);
        Written(transaction, one);
        BeginGeneration(transaction, stored.Name, stored);
    }

    public void Remove(Transaction transaction, T one)
    {
        Touch(transaction, one, null);
        Remove(transaction, one.Id.ToString(), one.Name);
    }

    public override void Remove(Transaction transaction, Unreadable one)
    {
        transaction.Touched.Everybody();
        Remove(transaction, one.Id, one.Name);
    }

    private void Remove(Transaction transaction, string id, string name)
    {
        Removing(transaction, id);
        transaction.Write($"DELETE FROM {Kind}s WHERE name = $1", name);
        BeginGeneration(transaction, name, null);
    }

    private void BeginGeneration(Transaction transaction, string name, T? one)
    {
        if (InPolicy is { } change)
            transaction.BeginGeneration((before, next) => change(before, next, name, one));
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
