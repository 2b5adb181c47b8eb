using System.Text.Json.Nodes;
using CertAuthority.Access.Values;
using CertAuthority.Protocol;
using CertAuthority.Resources;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>A file on its way into the tables.</summary>
/// <param name="Ca">The settings in force.</param>
/// <param name="Transaction">The transaction that stores all of it, or nothing.</param>
/// <param name="By">Who created or replaced the resources.</param>
/// <param name="Force">Whether existing resources are replaced.</param>
/// <param name="Now">When.</param>
internal sealed record ResourceWriting(Authority Ca, Transaction Transaction, Caller By, bool Force, DateTimeOffset Now)
{
    /// <summary>What is accepted and deserves a second look.</summary>
    public List<string> Warnings { get; } = [];

    /// <summary>Requests that ended.</summary>
    public List<EndedRequest> Ended { get; } = [];

    /// <summary>Resources without a file that made room, each with the reason for the audit.</summary>
    public List<(Resource One, string Reason)> Replaced { get; } = [];
}

/// <summary>A resource that is about to be removed.</summary>
/// <param name="Transaction">The transaction that removes it.</param>
/// <param name="By">Who removes it.</param>
/// <param name="Name">Its name.</param>
/// <param name="Id">Its identity; null where not even that can be read.</param>
/// <param name="Force">Whether it is removed although it is in use.</param>
/// <param name="Now">When.</param>
internal sealed record ResourceRemoval(Transaction Transaction, Caller By, string Name, Guid? Id, bool Force, DateTimeOffset Now);

/// <summary>What the removal of a resource ended and changed.</summary>
/// <param name="Requests">Requests that ended with it.</param>
/// <param name="Changed">Other resources that changed, each before and after, with the reason for the audit.</param>
/// <param name="Warnings">What deserves a second look.</param>
internal sealed record ResourceEnding(
    IReadOnlyList<EndedRequest> Requests, IReadOnlyList<(Resource Before, Resource After, string Reason)> Changed, string[] Warnings)
{
    public static readonly ResourceEnding Nothing = new([], [], []);
}

/// <summary>
/// A kind of resources: everything that one kind does differently from the others. Creating, reading, editing and removing, the audit and
/// the tables
/// of the command line are written once, for all kinds.
/// </summary>
/// <param name="Name">As files have it, in the field <c>kind</c>.</param>
internal abstract record ResourceKind(string Name)
{
    /// <summary>What a list shows of each, first its name.</summary>
    public required ResourceColumn[] Columns { get; init; }

    /// <summary>Whether creating one can only take access away, so that it is done on a full disk too.</summary>
    public bool CreatingTakesAway { get; init; }

    /// <summary>Whether removing one can only take access away.</summary>
    public bool RemovingTakesAway { get; init; }

    /// <summary>Where they are stored.</summary>
    public abstract ResourceTable Stored { get; }

    /// <summary>Whether a resource is of this kind.</summary>
    public abstract bool Has(Resource one);

    /// <summary>Reads what is below <c>kind</c> and <c>version</c> in a file. The faults go to the reader.</summary>
    public abstract Resource Read(Authority ca, string version, FieldReader root);

    /// <summary>The resource as it would be written in a file.</summary>
    public abstract JsonObject Write(Resource one);

    /// <summary>The resource as the audit compares it: with whatever a change could take away.</summary>
    public abstract JsonObject Compared(Resource one);

    /// <summary>The entry of a change, with whom and what else it is about.</summary>
    /// <param name="entry">What any change says.</param>
    /// <param name="name">The resource's name.</param>
    /// <param name="one">The resource; null where it could not be read.</param>
    public abstract AuditEntry About(AuditEntry entry, string name, Resource? one);

    /// <summary>All of them, sorted by name.</summary>
    /// <param name="snapshot">When.</param>
    /// <param name="withoutFile">Whether also those that no file can create.</param>
    public abstract IEnumerable<Resource> All(Snapshot snapshot, bool withoutFile);

    /// <summary>One that can be read and has a file, to be removed.</summary>
    /// <exception cref="ProblemException">There is none.</exception>
    public abstract Resource Find(Snapshot snapshot, string name);

    /// <summary>
    /// Stores what a file says of a resource: with its own identity again where it is replaced, and a new revision only where it means
    /// something else.
    /// </summary>
    /// <returns>What was in its place: a resource, a row that could not be read, or nothing.</returns>
    public abstract object? Put(ResourceWriting to, Resource one, long? madeFrom);

    /// <summary>Checks a resource of a file once all of the file is in place.</summary>
    /// <returns>What deserves a second look.</returns>
    public abstract IEnumerable<string> Accept(Snapshot snapshot, Resource one, DateTimeOffset now);

    /// <summary>Ends and changes what cannot go on without a resource. It works also where the row cannot be read.</summary>
    public abstract ResourceEnding End(ResourceRemoval removal);

    /// <summary>Removes its row.</summary>
    public abstract void Remove(Transaction transaction, Resource one);

    /// <summary>The refusal of a name that no resource of this kind has.</summary>
    public ProblemException Missing(string name) => Problems.NotFound($"there is no {Name} \"{name}\"", Name);
}

/// <inheritdoc/>
/// <param name="Table">Where they are stored.</param>
/// <param name="Reader">Reads what is below <c>kind</c> and <c>version</c> in a file.</param>
/// <param name="Writer">Writes what a file has.</param>
internal sealed record ResourceKind<T>(ResourceTable<T> Table, Func<string, FieldReader, T> Reader, Func<T, JsonObject> Writer)
    : ResourceKind(Table.Kind) where T : Resource
{
    /// <summary>Finds a fault that takes more than the resource's own text.</summary>
    public Action<Authority, T, FieldReader> Checking { get; init; } = (_, _, _) => { };

    /// <summary>All that can be read, sorted by name.</summary>
    public Func<Snapshot, IEnumerable<T>> Listing { get; init; } = Table.All;

    /// <summary>One by its name.</summary>
    public Func<Snapshot, string, T?> Finding { get; init; } = Table.Find;

    /// <summary>Why a resource has no file, and can be neither replaced nor removed; null where it has one.</summary>
    public Func<T, ProblemException?> WithoutFile { get; init; } = _ => null;

    /// <summary>What counts the revision up when it changes.</summary>
    public Func<T, JsonNode?> Counting { get; init; } = one => Writer(one)["spec"];

    /// <summary>See <see cref="ResourceKind.Compared"/>.</summary>
    public Func<T, JsonObject> Comparing { get; init; } = Writer;

    /// <summary>See <see cref="ResourceKind.About"/>.</summary>
    public Func<AuditEntry, string, T?, AuditEntry> Concerning { get; init; } = (entry, _, _) => entry;

    /// <summary>Called before a resource is stored.</summary>
    public Action<ResourceWriting, T> Preparing { get; init; } = (_, _) => { };

    /// <summary>See <see cref="ResourceKind.Accept"/>.</summary>
    public Func<Snapshot, T, DateTimeOffset, IEnumerable<string>> Accepting { get; init; } = (_, _, _) => [];

    /// <summary>See <see cref="ResourceKind.End"/>.</summary>
    public Func<ResourceRemoval, ResourceEnding> Ending { get; init; } = _ => ResourceEnding.Nothing;

    public override ResourceTable Stored => Table;

    public override bool Has(Resource one) => one is T;

    public override Resource Read(Authority ca, string version, FieldReader root)
    {
        var one = Reader(version, root);
        Checking(ca, one, root);
        return one;
    }

    public override JsonObject Write(Resource one) => Writer((T)one);

    public override JsonObject Compared(Resource one) => Comparing((T)one);

    public override AuditEntry About(AuditEntry entry, string name, Resource? one) => Concerning(entry, name, (T?)one);

    public override IEnumerable<Resource> All(Snapshot snapshot, bool withoutFile) =>
        Listing(snapshot).Where(one => withoutFile || WithoutFile(one) is null);

    public override Resource Find(Snapshot snapshot, string name) =>
        Finding(snapshot, name) is { } one ? WithoutFile(one) is { } why ? throw why : one : throw Missing(name);

    public override object? Put(ResourceWriting to, Resource one, long? madeFrom)
    {
        var given = (T)one;
        Preparing(to, given);
        var old = Finding(to.Transaction, one.Name);
        var (id, revision) = old is null ? (Guid.NewGuid(), 1) : (old.Id, NextRevision(old, given, madeFrom, to.Force));
        // Creating a resource again is how an administrator mends a row that cannot be read.
        var unreadable = old is null ? Table.FindUnreadable(to.Transaction, one.Name) : null;
        if (unreadable is not null)
            Table.Remove(to.Transaction, unreadable);
        Table.Put(to.Transaction, (T)(given with { Id = id, Revision = revision }));
        return (object?)old ?? unreadable;
    }

    public override IEnumerable<string> Accept(Snapshot snapshot, Resource one, DateTimeOffset now) => Accepting(snapshot, (T)one, now);

    public override ResourceEnding End(ResourceRemoval removal) => Ending(removal);

    public override void Remove(Transaction transaction, Resource one) => Table.Remove(transaction, (T)one);

    private long NextRevision(T old, T given, long? madeFrom, bool force)
    {
        if (!force)
            throw new ProblemException(
                new Problem(ProblemCode.Conflict, $"{Name} '{old.Name}' exists already", Next: [new NextStep.Create(Replace: true)]));
        if (madeFrom is { } revision && revision != old.Revision)
            throw new ProblemException(new Problem(
                ProblemCode.Conflict,
                $"{Name} '{old.Name}' was changed since this file was made from it: revision {revision} then, {old.Revision} now",
                "get it again, or take metadata.revision out of the file"));
        return JsonNode.DeepEquals(Counting(old), Counting(given)) ? old.Revision : old.Revision + 1;
    }
}
