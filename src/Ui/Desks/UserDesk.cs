using CertAuthority.Protocol;

namespace CertAuthority.Ui.Desks;

/// <summary>The desk of a user: <c>tsh ui</c>.</summary>
/// <param name="ca">The daemon.</param>
/// <param name="tsh">The command line of tsh with this login: <c>tsh</c>, or <c>tsh --profile=work</c>.</param>
/// <param name="user">As which user; null leaves the choice to the daemon.</param>
/// <param name="logIn">Logs in with a request in use; returns what tsh said, and whether that went well.</param>
public sealed class UserDesk(CaClient ca, string tsh, string? user, Func<string, CancellationToken, Task<(bool Done, string Said)>> logIn)
    : Desk(ca)
{
    private const int MostCertificates = 1000;
    private const int MostListed = 1000;

    internal override string Program => "tsh";

    internal override string WaitingCommand => $"{tsh} request ls --reviewable";

    internal string MineCommand => $"{tsh} request ls";

    internal string RolesCommand => $"{tsh} request roles";

    internal override string ShowCommand(string id) => $"{tsh} request show {id}";

    internal override string ApproveCommand(string id, Approval? of = null) =>
        $"{tsh} request review {id} --approve{Option("roles", of?.Roles)}{Option("max-duration", of?.MaxDuration)}";

    internal override string DenyCommand(string id) => $"{tsh} request review {id} --deny --reason=TEXT";

    internal override string HistoryCommand(Search search) => search.Whose switch
    {
        RequestViews.Suggested => $"{tsh} request ls --suggested",
        RequestViews.Reviewed => $"{tsh} request ls --reviewed",
        RequestViews.Reviewable => WaitingCommand,
        _ => MineCommand,
    } + Option("state", search.State) + Option("role", search.Role) + Option("since", search.Since) + Option("node", search.Host)
        + Option(
            "requester",
            search.Whose is RequestViews.Suggested or RequestViews.Reviewed or RequestViews.Reviewable ? search.Person : null);

    internal string UseCommand(string id) => $"{tsh} login --request-id={id}";

    internal string CancelCommand(string id) => $"{tsh} request cancel {id}";

    internal string DropCommand(string id) => $"{tsh} request drop {id}";

    internal string SshCommand(string login, string node) => $"{tsh} ssh {login}@{node}";

    internal string AskCommand(CreateRequest ask) =>
        $"{tsh} request create{Option("roles", ask.Roles)}{Option("resource", ask.Resources)} --reason=TEXT";

    internal string SearchCommand(string words) => $"{tsh} request search --search=\"{words.Replace('"', ' ')}\"";

    internal override async Task<string> Who(CancellationToken cancellation) =>
        (await Capabilities(cancellation)) is { User: { } acting } ? acting : "nobody: choose one of your users with --user";

    internal Task<MyCapabilities> Capabilities(CancellationToken cancellation) =>
        Ca.Send(Routes.GetMyCapabilities, new GetMyCapabilities(user), cancellation);

    internal override Task<RequestList> Waiting(string? after, int limit, CancellationToken cancellation) =>
        Ca.Send(Routes.ListMyRequests, new ListMyRequests(user, RequestViews.Reviewable, limit, after), cancellation);

    internal override async Task<string> CountWaiting(CancellationToken cancellation) =>
        (await Ca.Send(Routes.ListMyRequests, new ListMyRequests(user, Limit: 1, CountReviewable: true), cancellation)).Reviewable
            is > 0 and var count ? $"{count}" : "";

    // What waits for a person is what the daemon lets them deny. An approval needs more, and the facts say whether it would be accepted.
    internal override async Task<bool> MayDeny(RequestResource request, CancellationToken cancellation)
    {
        var (role, filed) = (request.Spec.Roles[0], $"{request.Spec.Created.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss'Z'}");
        var ask = new ListMyRequests(user, RequestViews.Reviewable, MostListed, Role: role, Since: filed);
        var list = await Ca.Send(Routes.ListMyRequests, ask, cancellation);
        return list.Next is not null || list.Requests.Any(one => one.Metadata.Name == request.Metadata.Name);
    }

    internal Task<RequestList> Mine(CancellationToken cancellation) =>
        Ca.Send(Routes.ListMyRequests, new ListMyRequests(user, Limit: 2 * OnOneScreen), cancellation);

    internal override Task<RequestResource> Request(
        string id, bool allHosts = false, Approval? of = null, CancellationToken cancellation = default) =>
        Ca.Send(
            Routes.GetMyRequest,
            new GetMyRequest(id, user, Facts: true, AllHosts: allHosts, Roles: of?.RoleList, MaxDuration: of?.MaxDuration),
            cancellation);

    internal override Task<RequestResolved> Approve(string id, string reason, Approval of, CancellationToken cancellation) =>
        Ca.Send(
            Routes.ReviewRequest, new ReviewRequest(id, ReviewDecisions.Approve, user, reason, of.Roles, MaxDuration: of.MaxDuration),
            cancellation);

    internal override Task<RequestResolved> Deny(string id, string reason, CancellationToken cancellation) =>
        Ca.Send(Routes.ReviewRequest, new ReviewRequest(id, ReviewDecisions.Deny, user, reason), cancellation);

    internal override Task<RequestList> History(Search search, int limit, CancellationToken cancellation) =>
        Ca.Send(
            Routes.ListMyRequests,
            new ListMyRequests(
                user, search.Whose, limit, search.After, search.State, search.Role, search.Since, search.Host, search.Person),
            cancellation);

    internal override async Task<CertificateInfo[]> Certificates(string request, CancellationToken cancellation) =>
        [.. (await Ca.Send(Routes.ListMyCertificates, new ListMyCertificates(user, Limit: MostCertificates), cancellation)).Certificates
            .Where(certificate => certificate.Requests.Contains(request))];

    internal async Task<CertificateInfo[]> LiveCertificates(CancellationToken cancellation) =>
        (await Ca.Send(Routes.ListMyCertificates, new ListMyCertificates(user, CertificateStates.Live, MostCertificates), cancellation))
            .Certificates;

    internal Task<NodeList> Nodes(CancellationToken cancellation) => Ca.Send(Routes.ListMyNodes, new ListMyNodes(user), cancellation);

    internal Task<ResourcesFound> Hosts(string? words, CancellationToken cancellation) =>
        Ca.Send(Routes.SearchResources, new SearchResources(Search: words, Limit: OnOneScreen, User: user), cancellation);

    internal Task<RequestPlan> Plan(CreateRequest ask, CancellationToken cancellation) =>
        Ca.Send(Routes.PlanRequest, ask with { User = user }, cancellation);

    internal Task<RequestResource> File(CreateRequest ask, CancellationToken cancellation) =>
        Ca.Send(Routes.CreateRequest, ask with { User = user }, cancellation);

    internal Task<RequestResolved> Cancel(string id, CancellationToken cancellation) =>
        Ca.Send(Routes.CancelRequest, new EndMyRequest(id, user), cancellation);

    internal Task<RequestResolved> Drop(string id, CancellationToken cancellation) =>
        Ca.Send(Routes.DropRequest, new EndMyRequest(id, user), cancellation);

    internal Task<(bool Done, string Said)> Use(string id, CancellationToken cancellation) => logIn(id, cancellation);
}
