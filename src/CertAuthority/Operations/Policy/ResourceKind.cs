using System.Text.Json.Nodes;
using CertAuthority.Access.Values;
using CertAuthority.Protocol;
using CertAuthority.Resources;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>The context in which the resources of a file are stored.</summary>
/// <param name="Ca">The settings in force.</param>
/// <param name="Transaction">The transaction that stores all of them or none.</param>
/// <param name="By">The caller who creates or replaces the resources.</param>
/// <param name="Force">Whether existing resources are replaced.</param>
/// <param name="Now">The time of the change.</param>
internal sealed record ResourceWriting(Authority Ca, Transaction Transaction, Caller By, bool Force, DateTimeOffset Now)
{
    /// <summary>Warnings about accepted resources that deserve a second look.</summary>
    public List<string> Warnings { get; } = [];

    /// <summary>The requests that ended.</summary>
    public List<EndedRequest> Ended { get; } = [];

    /// <summary>Resources without a file that were replaced, each with the reason for the audit.</summary>
    public List<(Resource One, string Reason)> Replaced { get; } = [];
}

/// <summary>A resource that is about to be removed.</summary>
/// <param name="Transaction">The transaction that removes it.</param>
/// <param name="By">The caller who removes it.</param>
/// <param name="Name">The name of the resource.</param>
/// <param name="Id">Its ID; null if even that cannot be read.</param>
/// <param name="Force">Whether to remove it even if it is in use.</param>
/// <param name="Now">The time of the removal.</param>
internal sealed record ResourceRemoval(Transaction Transaction, Caller By, string Name, Guid? Id, bool Force, DateTimeOffset Now);

/// <summary>What the removal of a resource ended and changed.</summary>
/// <param name="Requests">The requests that ended with it.</param>
/// <param name="Changed">Other resources that changed, each before and after, with the reason for the audit.</param>
/// <param name="Warnings">Warnings that deserve a second look.</param>
internal sealed record ResourceEnding(
    IReadOnlyList<EndedRequest> Requests, IReadOnlyList<(Resource Before, Resource After, string Reason)> Changed, string[] Warnings)
{
    public static readonly ResourceEnding Nothing = new([], [], []);
}

/// <summary>
/// A kind of resources: everything in which one kind differs from the others. The code that creates, reads, edits and removes resources,
/// the audit and the tables of the command line are written once, for all kinds.
/// </summary>
/// <param name="Name">The name of the kind in files, in the field <c>kind</c>.</param>
internal abstract record ResourceKind(string Name)
{
    // Removing a lock gives access back, so less than what a list shows is not enough.
    private const int ShortId = 8;

    /// <summary>The columns of a list of such resources; the name comes first.</summary>
    public required ResourceColumn[] Columns { get; init; }

    /// <summary>Whether creating one can only take access away, so that it is also allowed on a full disk.</summary>
    public bool CreatingTakesAway { get; init; }

    /// <summary>Whether removing one can only take access away.</summary>
    public bool RemovingTakesAway { get; init; }

    /// <summary>Whether the daemon makes up their names, which are IDs then. Files can name them otherwise.</summary>
    public bool HasIds { get; init; }

    /// <summary>Why a resource that is in no file stays when the rest is pruned, as part of a sentence; null if it goes.</summary>
    public Func<Resource, string?>? Keeping { get; init; }

    /// <summary>The table that stores them.</summary>
    public abstract ResourceTable Stored { get; }

    /// <summary>Whether a resource is of this kind.</summary>
    public abstract bool Has(Resource one);

    /// <summary>Reads what is below <c>kind</c> and <c>version</c> in a file. The reader collects the faults.</summary>
    public abstract Resource Read(Authority ca, string version, FieldReader root);

    /// <summary>Writes the resource as a file would contain it.</summary>
    public abstract JsonObject Write(Resource one);

    /// <summary>Writes the resource as the audit compares it, with everything that a change could take away.</summary>
    public abstract JsonObject Compared(Resource one);

    /// <summary>Adds to the entry of a change which users and other resources it concerns.</summary>
    /// <param name="entry">The entry with what every change has.</param>
    /// <param name="name">The resource's name.</param>
    /// <param name="one">The resource; null if it could not be read.</param>
    public abstract AuditEntry About(AuditEntry entry, string name, Resource? one);

    /// <summary>Lists resources of the kind, sorted by name.</summary>
    /// <param name="snapshot">The database.</param>
    /// <param name="name">The name of the only one to list; null for all.</param>
    /// <param name="withoutFile">Whether to include resources that no file can create.</param>
    public abstract IEnumerable<Resource> All(Snapshot snapshot, string? name, bool withoutFile);

    /// <summary>Returns the name that is meant: of an ID, its first characters will do, as many as lists show.</summary>
    /// <exception cref="ProblemException">Several IDs start with this.</exception>
    public string NameFrom(Snapshot snapshot, string text)
    {
        if (!HasIds || text.Length < ShortId || All(snapshot, text, withoutFile: true).Any())
            return text;
        var found = All(snapshot, null, withoutFile: true).Select(one => one.Name)
            .Where(name => Guid.TryParse(name, out _) && name.StartsWith(text, StringComparison.Ordinal)).Take(2).ToList();
        return found switch
        {
            [] => text,
            [var only] => only,
            _ => throw new ProblemException(
                new Problem(ProblemCode.Invalid, $"several {Name}s start with \"{text}\"", "give more of the name")),
        };
    }

    /// <summary>Finds a resource to remove. It must be readable and have a file.</summary>
    /// <exception cref="ProblemException">There is no such resource.</exception>
    public abstract Resource Find(Snapshot snapshot, string name);

    /// <summary>
    /// Stores a resource of a file. A replaced resource keeps its ID, and gets a new revision only if its meaning changes.
    /// </summary>
    /// <returns>What was there before: a resource, a row that could not be read, or nothing.</returns>
    public abstract object? Put(ResourceWriting to, Resource one, long? madeFrom);

    /// <summary>Whether two resources say the same, whatever their revisions.</summary>
    public bool AreAlike(Resource one, Resource other) => JsonNode.DeepEquals(Said(one), Said(other));

    private JsonObject Said(Resource one)
    {
        var said = Write(one);
        (said["metadata"] as JsonObject)?.Remove("revision");
        return said;
    }

    /// <summary>Checks a resource of a file after the whole file is stored.</summary>
    /// <returns>Warnings that deserve a second look.</returns>
    public abstract IEnumerable<string> Accept(Snapshot snapshot, Resource one, DateTimeOffset now);

    /// <summary>Ends and changes everything that cannot continue without the resource. This also works if the row cannot be read.</summary>
    public abstract ResourceEnding End(ResourceRemoval removal);

    /// <summary>Removes the resource's row.</summary>
    public abstract void Remove(Transaction transaction, Resource one);

    /// <summary>Creates the error for a name that no resource of this kind has.</summary>
    public ProblemException Missing(Snapshot snapshot, string name) =>
        Problems.NotFound($"there is no {Name} \"{name}\"", Name, name, All(snapshot, null, withoutFile: true).Select(one => one.Name));
}

/// <inheritdoc/>
/// <param name="Table">The table that stores them.</param>
/// <param name="Reader">Reads what is below <c>kind</c> and <c>version</c> in a file.</param>
/// <param name="Writer">Writes the content of a file.</param>
internal sealed record ResourceKind<T>(ResourceTable<T> Table, Func<string, FieldReader, T> Reader, Func<T, JsonObject> Writer)
    : ResourceKind(Table.Kind) where T : Resource
{
    /// <summary>Finds faults that do not show in the resource's own text.</summary>
    public Action<Authority, T, FieldReader> Checking { get; init; } = (_, _, _) => { };

    /// <summary>Lists all resources that can be read, sorted by name.</summary>
    public Func<Snapshot, IEnumerable<T>> Listing { get; init; } = Table.All;

    /// <summary>Finds a resource by its name.</summary>
    public Func<Snapshot, string, T?> Finding { get; init; } = Table.Find;

    /// <summary>Returns why a resource has no file and can be neither replaced nor removed; null if it has one.</summary>
    public Func<T, ProblemException?> WithoutFile { get; init; } = _ => null;

    /// <summary>Returns the part whose change increases the revision.</summary>
    public Func<T, JsonNode?> Counting { get; init; } = one => Writer(one)["spec"];

    /// <summary>See <see cref="ResourceKind.Compared"/>.</summary>
    public Func<T, JsonObject> Comparing { get; init; } = Writer;

    /// <summary>See <see cref="ResourceKind.About"/>.</summary>
    public Func<AuditEntry, string, T?, AuditEntry> Concerning { get; init; } = (entry, _, _) => entry;

    /// <summary>Adds what a resource has besides its file; given the resource that it replaces, or null.</summary>
    public Func<T?, T, T> Completing { get; init; } = (_, given) => given;

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

    public override IEnumerable<Resource> All(Snapshot snapshot, string? name, bool withoutFile) =>
        (name is null ? Listing(snapshot) : Finding(snapshot, name) is { } one ? [one] : [])
        .Where(one => withoutFile || WithoutFile(one) is null);

    public override Resource Find(Snapshot snapshot, string name) =>
        Finding(snapshot, name) is { } one ? WithoutFile(one) is { } why ? throw why : one : throw Missing(snapshot, name);

    public override object? Put(ResourceWriting to, Resource one, long? madeFrom)
    {
        var given = (T)one;
        Preparing(to, given);
        var old = Finding(to.Transaction, one.Name);
        var (id, revision) = old is null ? (Guid.NewGuid(), 1) : (old.Id, NextRevision(old, given, madeFrom, to.Force));
        // An administrator repairs a row that cannot be read by creating the resource again.
        var unreadable = old is null ? Table.FindUnreadable(to.Transaction, one.Name) : null;
        if (unreadable is not null)
            Table.Remove(to.Transaction, unreadable);
        Table.Put(to.Transaction, (T)(Completing(old, given) with { Id = id, Revision = revision }));
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
