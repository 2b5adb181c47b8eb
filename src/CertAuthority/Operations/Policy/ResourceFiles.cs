using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;
using CertAuthority.Protocol;
using CertAuthority.Resources;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>Creates and reads resources of every kind.</summary>
internal static class ResourceFiles
{
    private const int MostBytes = 1 << 20;

    /// <summary>
    /// Creates, or with force replaces, every resource of the given files. If the files have faults, all of them are reported at once and
    /// nothing is stored.
    /// </summary>
    public static async Task<AppliedResources> Apply(Authority ca, Administrator by, ApplyResources ask)
    {
        if (Files(ask).Sum(file => (long)file.Content.Length) > MostBytes)
            throw new ProblemException(
                new Problem(ProblemCode.Limited, $"resource files have at most {MostBytes} bytes, all files of a call together"));
        if (ask is { Prune: true, Mirror: false })
            throw Problems.InvalidField("prune", "is possible only with mirror");
        var (given, remarks) = Parse(ca, ask);
        var now = ca.Now();
        if (ask.DryRun)
        {
            var (stored, plan, users) = await ca.Database.Rehearse(transaction =>
                Store(ca, transaction, by.Caller, ask, given, now) is var stored
                    ? (stored, PlannedWithdrawals.Collect(transaction, stored.Ended, now), Given(transaction, given))
                    : default);
            var (planned, losses) = await PlannedWithdrawals.Find(ca, plan);
            // The plan knows only users who have something to lose, not the new ones.
            var rehearsed = new Dictionary<Guid, User?>(plan.Changed);
            foreach (var user in users)
                rehearsed[user.Id] = user;
            return planned.Show(stored.Done, [.. remarks, .. stored.Warnings, .. Gaps(ca, given, plan.Policy, rehearsed)]) with
            {
                Done =
                [
                    .. stored.Done.Where(one => one.What != AppliedStates.Unchanged)
                        .Select(one => $"{one.Kind} '{one.Name}' would be {one.What}"),
                ],
                Losses = losses,
            };
        }
        var (done, warnings, withdrawn) = await ca.Database.Commit(
            transaction => Store(ca, transaction, by.Caller, ask, given, now) is var stored
                ? (stored.Done, stored.Warnings, Withdrawals.Review(ca, transaction, by.Caller, now, stored.Ended))
                : default,
            takesAway: ask is { Force: false, Mirror: false } && given.TrueForAll(one => one.Kind.CreatingTakesAway));
        withdrawn = await OwedWithdrawals.Finish(ca, by.Caller, withdrawn);
        return withdrawn.Show(
            done, [.. remarks, .. warnings, .. Gaps(ca, given, policy: null, ImmutableDictionary<Guid, User?>.Empty)]);
    }

    private static List<User> Given(Snapshot snapshot, List<(ResourceKind Kind, Resource Resource, long? MadeFrom)> given) =>
        [.. given.Select(one => one.Resource).OfType<User>().Select(user => snapshot.FindUser(user.Name)).OfType<User>()];

    private static IReadOnlyList<string> Gaps(
        Authority ca, List<(ResourceKind Kind, Resource Resource, long? MadeFrom)> given, Policy? policy,
        IReadOnlyDictionary<Guid, User?> rehearsed) =>
        ca.Database.Read(snapshot => HeldRoles.Gaps(
            snapshot, policy, rehearsed, [.. given.Select(one => one.Resource).OfType<Role>().Select(role => role.Name)],
            [.. given.Select(one => one.Resource).OfType<User>().Select(user => user.Name)]));

    /// <summary>Stores the resources, and removes those that are pruned. What this takes away is not reviewed yet.</summary>
    private static Stored Store(
        Authority ca, Transaction transaction, Caller by, ApplyResources ask,
        List<(ResourceKind Kind, Resource Resource, long? MadeFrom)> given, DateTimeOffset now)
    {
        var done = new List<AppliedResource>();
        var to = new ResourceWriting(ca, transaction, by, ask.Force || ask.Mirror, now);
        var written = new List<(ResourceKind Kind, Resource Resource)>();
        foreach (var (kind, resource, madeFrom) in given)
        {
            if (ask.Mirror && kind.All(transaction, resource.Name, withoutFile: false).FirstOrDefault() is { } same
                && kind.AreAlike(same, resource))
            {
                done.Add(new AppliedResource(kind.Name, resource.Name, AppliedStates.Unchanged));
                continue;
            }
            var before = kind.Put(to, resource, ask.Mirror ? null : madeFrom);
            if (ask.Edits is not null && before is not Resource)
                throw new ProblemException(
                    new Problem(ProblemCode.Conflict, $"{ask.Edits} was removed meanwhile", Next: [new NextStep.Create()]));
            foreach (var (one, reason) in to.Replaced)
                transaction.Audit(ResourceChanges.Entry(by, one, null, now) with { Reason = reason });
            to.Replaced.Clear();
            var entry = ResourceChanges.Entry(by, before, resource, now);
            transaction.Audit(entry);
            written.Add((kind, resource));
            done.Add(Done(kind, resource.Name, before is Resource ? AppliedStates.Updated : AppliedStates.Created, ask.DryRun, entry));
        }
        if (ask.Prune)
            done.AddRange(Prune(to, ask, given, now));
        foreach (var removed in done.Where(one => one.What == AppliedStates.Removed))
            JumpHosts.ExpectUnused(transaction, removed.Kind, [removed.Name]);
        // Runs after everything is stored: a file may contain a user before the role that is assigned to them.
        to.Warnings.AddRange(written.SelectMany(one => one.Kind.Accept(transaction, one.Resource, now)));
        return new Stored(done, to.Warnings, to.Ended);
    }

    /// <summary>Removes what the files lack, users before the roles that they hold.</summary>
    private static IEnumerable<AppliedResource> Prune(
        ResourceWriting to, ApplyResources ask, List<(ResourceKind Kind, Resource Resource, long? MadeFrom)> given, DateTimeOffset now)
    {
        foreach (var kind in KindTable.Rows.Reverse().Where(kind => kind.Keeping is not null && given.Exists(one => one.Kind == kind)))
        {
            var kept = given.Where(one => one.Kind == kind).Select(one => one.Resource.Name).ToHashSet(StringComparer.Ordinal);
            foreach (var one in kind.All(to.Transaction, null, withoutFile: false).Where(one => !kept.Contains(one.Name)).ToList())
            {
                if (kind.Keeping!(one) is { } why)
                {
                    to.Warnings.Add($"{kind.Name} '{one.Name}' is in no file and stays, because {why}");
                    continue;
                }
                var (ending, _) = Removals.Remove(to.Transaction, to.By, kind, one.Name, force: false, now);
                to.Ended.AddRange(ending.Requests);
                to.Warnings.AddRange(ending.Warnings);
                yield return Done(
                    kind, one.Name, AppliedStates.Removed, ask.DryRun, ask.DryRun ? ResourceChanges.Entry(to.By, one, null, now) : null);
            }
        }
    }

    private static AppliedResource Done(ResourceKind kind, string name, string what, bool withChanges, AuditEntry? entry) =>
        withChanges
            ? new AppliedResource(kind.Name, name, what, entry?.Changes, entry?.ChangesLeftOut)
            : new AppliedResource(kind.Name, name, what);

    /// <summary>What a call stored, before the review.</summary>
    private sealed record Stored(List<AppliedResource> Done, List<string> Warnings, List<EndedRequest> Ended);

    public static Task<ResourceList> Get(Authority ca, Administrator by, GetResources ask)
    {
        // Reads all kinds as of one moment, so that the roles that users hold are included, and only resources that can be applied again.
        IEnumerable<ResourceKind> kinds = ask.Kind == ResourceKinds.All ? KindTable.Rows : [KindTable.Named(ask.Kind)];
        var found = ca.Database.Read<JsonElement[]>(snapshot =>
        [
            .. from kind in kinds
               let name = ask.Name is null ? null : kind.NameFrom(snapshot, ask.Name)
               from one in kind.All(snapshot, name, withoutFile: ask.FromGroups && ask.Kind != ResourceKinds.All)
               select JsonSerializer.SerializeToElement(kind.Write(one), ProtocolJson.Lenient.Of<JsonObject>()),
        ]);
        return Task.FromResult(found.Length > 0 || ask.Name is null
            ? new ResourceList(found)
            : throw (ask.Kind == ResourceKinds.All
                ? NoResource(ask.Name)
                : ca.Database.Read(snapshot => KindTable.Named(ask.Kind).Missing(snapshot, ask.Name))));
    }

    public static Task<KindList> ListKinds(Authority ca, Administrator by, ListKinds ask) =>
        Task.FromResult(new KindList([.. KindTable.Rows.Select(kind => new ResourceKindInfo(kind.Name, kind.Columns))]));

    private static ProblemException NoResource(string name) =>
        new(new Problem(ProblemCode.NotFound, $"there is no resource \"{name}\"", Next: [new NextStep.List(ResourceKinds.All)]));

    private static (List<(ResourceKind Kind, Resource Resource, long? MadeFrom)> Given, IReadOnlyList<string> Remarks) Parse(
        Authority ca, ApplyResources ask)
    {
        if (ask.Revision is not null && !long.TryParse(ask.Revision, out _))
            throw Problems.Invalid($"\"{ask.Revision}\" is not a revision");
        var given = new List<(ResourceKind, Resource, long?)>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        var read = new List<(string File, Faults Faults)>();
        foreach (var file in Files(ask))
        {
            var faults = new Faults(file.File, ask.DropUnenforceable);
            read.Add((file.File, faults));
            foreach (var document in ResourceText.Parse(file.Content, faults))
                if (FieldReader.Root(document, faults) is { } root && Read(ca, ask, root, names) is { } one)
                    given.Add((one.Kind, one.Resource, ask.Revision is { } from ? long.Parse(from) : ResourceMetadata.Revision(document)));
        }
        if (read.FindAll(one => one.Faults.Any) is [_, ..] faulty)
            throw new ProblemException(
                new Problem(
                    ProblemCode.Invalid,
                    $"{string.Join(", ", faulty.Select(one => one.File))} {(faulty is [_] ? "has" : "have")} faults; nothing was changed",
                    Faults: [.. faulty.SelectMany(one => one.Faults.Lines)],
                    Next: faulty.SelectMany(one => one.Faults.Next ?? []).Distinct().ToArray() is [_, ..] next ? next : null));
        return given.Count > 0
            ? (given, [.. read.SelectMany(one => one.Faults.Warnings)])
            : throw Problems.Invalid($"{string.Join(", ", read.Select(one => one.File))} {(read is [_] ? "holds" : "hold")} no resource");
    }

    private static (ResourceKind Kind, Resource Resource)? Read(Authority ca, ApplyResources ask, FieldReader root, HashSet<string> names)
    {
        var name = root.Required("kind");
        var version = root.Required("version");
        if (KindTable.Rows.FirstOrDefault(each => each.Name == name) is not { } kind)
        {
            if (name.Length > 0)
                root.Fault("kind", $"there is no kind \"{name}\"; the kinds are {KindTable.List}");
            return null;
        }
        var resource = kind.Read(ca, version, root);
        var full = $"{kind.Name}/{resource.Name}";
        if (resource.Name.Length > 0 && !names.Add(full))
            root.Fault("metadata", $"{kind.Name} \"{resource.Name}\" is given twice");
        else if (resource.Name.Length > 0 && ask.Edits is { } edits && edits != full)
            root.Fault("metadata", $"this is {full}, and {edits} was to be edited; create another one from a file of its own");
        return (kind, resource);
    }

    private static IEnumerable<ResourceFile> Files(ApplyResources ask) => [new(ask.Content, ask.File), .. ask.More ?? []];
}
