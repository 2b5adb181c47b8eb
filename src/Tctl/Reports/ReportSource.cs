using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl.Reports;

/// <summary>Takes a report from a daemon, by calls of which each costs no more than any list.</summary>
/// <param name="ca">The daemon.</param>
/// <param name="say">Receives how far it has got, every few seconds.</param>
internal sealed class ReportSource(CaClient ca, Action<string> say)
{
    private const int Piece = 1000;
    private const int Readings = 3;

    private static readonly TimeSpan SayEvery = TimeSpan.FromSeconds(5);

    private long said = Environment.TickCount64;

    /// <summary>Takes the report.</summary>
    /// <param name="period">The times that it is about.</param>
    /// <param name="listed">The most names in a row; null for all.</param>
    /// <param name="cancellation">Cancels it.</param>
    /// <exception cref="FailureException">The policy changed during each reading.</exception>
    public async Task<AccessReport> Take(ReportPeriod period, int? listed, CancellationToken cancellation)
    {
        for (var reading = 1; ; reading++)
        {
            var position = await Newest(cancellation);
            var site = await ReadAccess(cancellation);
            if (site is not null && !await IsChangedAfter(position, cancellation))
                return await ReadAudit(site, period, position, listed, cancellation);
            if (reading == Readings)
                throw new FailureException(
                    $"roles, users, nodes or locks changed during each of {Readings} readings", "take the report at a quieter time");
            say("roles, users, nodes or locks changed meanwhile; reading again who has access");
        }
    }

    private sealed record Site(int Users, int Roles, int Hosts, AccessTable Access);

    /// <summary>Reads who has access to what; null if a host was removed meanwhile.</summary>
    private async Task<Site?> ReadAccess(CancellationToken cancellation)
    {
        var roles = await Resources(ResourceKinds.Role, cancellation);
        var users = await Resources(ResourceKinds.User, cancellation);
        var nodes = await Resources(ResourceKinds.Node, cancellation);
        var locks = await Resources(ResourceKinds.Lock, cancellation);
        var classes = HostClass.Divide(nodes, roles, locks);
        var access = new AccessTable();
        access.Add(null, await ca.Send(Routes.ListEntrantsEverywhere, new ListEntrantsEverywhere(), cancellation));
        for (var done = 0; done < classes.Length; done++)
        {
            SayOnce(() => $"who can log in: {done} of {Wording.Count(classes.Length, "kind")} of hosts");
            try
            {
                access.Add(classes[done], await ca.Send(Routes.ListEntrants, new ListEntrants(classes[done].Names[0]), cancellation));
            }
            catch (ProblemException gone) when (gone.Problem.Code == ProblemCode.NotFound)
            {
                return null;
            }
        }
        return new Site(users.Length, roles.Length, nodes.Length, access);
    }

    private async Task<System.Text.Json.JsonElement[]> Resources(string kind, CancellationToken cancellation) =>
        (await ca.Send(Routes.GetResources, new GetResources(kind, FromGroups: kind == ResourceKinds.User), cancellation)).Resources;

    private async Task<AccessReport> ReadAudit(Site site, ReportPeriod period, long position, int? listed, CancellationToken cancellation)
    {
        var (grants, use, changes) = (new Grants(period), new RoleUse(period.UnusedSince), new PolicyChanges(period));
        string[] events = [.. PolicyChanges.AllEvents, "request.*", "certificate.issued"];
        var ask = new ListAudit(Since: Wording.Time(period.Begin), Event: string.Join(',', events));
        string? notSeen = null;
        await foreach (var entry in Entries(ask, position, cancellation, archived => notSeen = NotSeen(archived)))
        {
            SayOnce(() => $"the audit up to {Wording.Time(entry.Time)}, entry {entry.Seq} of {position}");
            grants.Take(entry);
            use.Take(entry);
            changes.Take(entry);
        }
        foreach (var request in grants.WithoutFiling.ToList())
        {
            var whole = new Grants(period);
            await foreach (var entry in Entries(new ListAudit(Request: request), position, cancellation))
                whole.Take(entry);
            grants.Complete(request, whole);
        }
        return new AccessReport
        {
            Taken = Wording.Time(period.Taken),
            Position = position,
            Since = Wording.Time(period.Since),
            Until = Wording.Time(period.Until ?? period.Taken),
            UnusedSince = Wording.Time(period.UnusedSince),
            NotSeen = notSeen,
            Users = site.Users,
            Roles = site.Roles,
            Hosts = site.Hosts,
            Listed = listed,
            Access = site.Access.Rows(listed),
            Grants = grants.Rows(),
            Unused = use.Unused(site.Access.Standing),
            Left = changes.LeftRows(),
            Changes = changes.Rows(),
        };
    }

    /// <summary>Reads entries, oldest first, up to a position.</summary>
    private async IAsyncEnumerable<AuditEntry> Entries(
        ListAudit ask, long position, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation,
        Action<ArchivedEntries>? missing = null)
    {
        string? after = null;
        do
        {
            var page = await ca.Send(Routes.ListAudit, ask with { Limit = Piece, Order = AuditOrders.Oldest, After = after }, cancellation);
            if (page.Archived is { } archived)
                missing?.Invoke(archived);
            foreach (var entry in page.Entries)
                if (entry.Seq > position)
                    yield break;
                else
                    yield return entry;
            after = page.Next;
        }
        while (after is not null);
    }

    private static string NotSeen(ArchivedEntries archived) =>
        $"what happened before {Wording.Time(archived.Before)} may be missing: entries of the audit up to {archived.Through} are archived";

    private async Task<bool> IsChangedAfter(long position, CancellationToken cancellation)
    {
        var ask = new ListAudit(Event: string.Join(',', PolicyChanges.Events), Order: AuditOrders.Oldest, Limit: 1, After: $"{position}");
        while (true)
        {
            var page = await ca.Send(Routes.ListAudit, ask, cancellation);
            if (page.Entries is not [] || page.Next is null)
                return page.Entries is not [];
            ask = ask with { After = page.Next };
        }
    }

    private async Task<long> Newest(CancellationToken cancellation) =>
        (await ca.Send(Routes.ListAudit, new ListAudit(Limit: 1), cancellation)).Entries is [{ Seq: { } last }] ? last : 0;

    private void SayOnce(Func<string> line)
    {
        if (Environment.TickCount64 - said < SayEvery.TotalMilliseconds)
            return;
        said = Environment.TickCount64;
        say(line());
    }
}
