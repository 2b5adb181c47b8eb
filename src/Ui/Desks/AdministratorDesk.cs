using System.Text.Json;
using CertAuthority.Protocol;

namespace CertAuthority.Ui.Desks;

/// <summary>The desk of an administrator: <c>tctl ui</c>.</summary>
/// <param name="ca">The daemon.</param>
/// <param name="account">The account that the daemon sees.</param>
public sealed class AdministratorDesk(CaClient ca, string account) : Desk(ca)
{
    private const int MostEntries = 200;
    private const int MostCounted = 100;

    internal override string Program => "tctl";

    internal override string WaitingCommand => "tctl requests ls --state=pending";

    internal static string HostsCommand(string words, bool failing) =>
        $"tctl nodes ls{(words.Length > 0 ? $" --search=\"{words.Replace('"', ' ')}\"" : "")}{(failing ? " --failing" : "")}";

    internal static string LocksCommand => "tctl get locks --format=text";

    internal static string EntrantsCommand(string host, string? login) => $"tctl access who --node={host}{Option("login", login)}";

    internal override string ShowCommand(string id) => $"tctl requests get {id}";

    internal override string ApproveCommand(string id, Approval? of = null) =>
        $"tctl requests approve {id}{Option("roles", of?.Roles)}{Option("max-duration", of?.MaxDuration)}";

    internal override string DenyCommand(string id) => $"tctl requests deny {id} --reason=TEXT";

    internal override string HistoryCommand(Search search) =>
        "tctl requests ls" + Option("user", search.Person) + Option("role", search.Role) + Option("state", search.State)
        + Option("since", search.Since) + Option("node", search.Host);

    internal override Task<string> Who(CancellationToken cancellation) => Task.FromResult($"{account}, administrator");

    internal override Task<RequestList> Waiting(string? after, int limit, CancellationToken cancellation) =>
        Ca.Send(Routes.ListRequests, new ListRequests("pending", Limit: limit, After: after), cancellation);

    internal override async Task<string> CountWaiting(CancellationToken cancellation) =>
        await Waiting(after: null, MostCounted, cancellation) switch
        {
            { Requests: [] } => "",
            { Next: null, Requests.Length: var count } => $"{count}",
            _ => $"{MostCounted}+",
        };

    // Taking away needs no permission of anybody.
    internal override Task<bool> MayDeny(RequestResource request, CancellationToken cancellation) => Task.FromResult(true);

    internal override Task<RequestResource> Request(
        string id, bool allHosts = false, Approval? of = null, CancellationToken cancellation = default) =>
        Ca.Send(
            Routes.GetRequest,
            new GetRequest(id, Facts: true, AllHosts: allHosts, Roles: of?.RoleList, MaxDuration: of?.MaxDuration),
            cancellation);

    internal override Task<RequestResolved> Approve(string id, string reason, Approval of, CancellationToken cancellation) =>
        Ca.Send(Routes.ApproveRequest, new ApproveRequest(id, reason, of.Roles, MaxDuration: of.MaxDuration), cancellation);

    internal override Task<RequestResolved> Deny(string id, string reason, CancellationToken cancellation) =>
        Ca.Send(Routes.DenyRequest, new DenyRequest(id, reason), cancellation);

    internal override Task<RequestList> History(Search search, int limit, CancellationToken cancellation) =>
        Ca.Send(
            Routes.ListRequests,
            new ListRequests(search.State, search.Person, search.Role, search.Since, search.Host, Limit: limit, After: search.After),
            cancellation);

    internal override async Task<CertificateInfo[]> Certificates(string request, CancellationToken cancellation) =>
        (await Ca.Send(Routes.ListCertificates, new ListCertificates(MostEntries, Request: request), cancellation)).Certificates;

    internal override async Task<AuditEntry[]> Audit(string request, CancellationToken cancellation) =>
        [.. (await Ca.Send(Routes.ListAudit, new ListAudit(MostEntries, Request: request), cancellation)).Entries.Reverse()];

    internal Task<NodeStatusList> Hosts(ListNodes ask, CancellationToken cancellation) => Ca.Send(Routes.ListNodes, ask, cancellation);

    internal Task<EntrantList> Entrants(string host, string? login, CancellationToken cancellation) =>
        Ca.Send(Routes.ListEntrants, new ListEntrants(host, login), cancellation);

    internal async Task<JsonElement[]> Locks(CancellationToken cancellation) =>
        (await Ca.Send(Routes.GetResources, new GetResources(ResourceKinds.Lock), cancellation)).Resources;

    internal Task<Locked> Lock(CreateLock what, CancellationToken cancellation) => Ca.Send(Routes.Lock, what, cancellation);

    internal Task<AppliedResources> Unlock(string name, CancellationToken cancellation) =>
        Ca.Send(Routes.RemoveResource, new RemoveResource(ResourceKinds.Lock, name), cancellation);
}
