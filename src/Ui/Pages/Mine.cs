using CertAuthority.Protocol;
using CertAuthority.Terminal;
using CertAuthority.Ui.Desks;
using CertAuthority.Ui.Serving;

namespace CertAuthority.Ui.Pages;

/// <summary>The person's own requests.</summary>
/// <param name="Desk">What the person may do.</param>
/// <param name="Open">Those that are pending or approved.</param>
/// <param name="Ended">The latest of the others.</param>
/// <param name="Now">The time.</param>
public sealed record MineModel(UserDesk Desk, IReadOnlyList<MyRequest> Open, IReadOnlyList<RequestResource> Ended, DateTimeOffset Now);

/// <summary>A request of the person that is pending or approved.</summary>
/// <param name="Request">The request.</param>
/// <param name="InUse">The end of the live certificate under it; null if it is not in use.</param>
/// <param name="Commands">How to log in with it.</param>
public sealed record MyRequest(RequestResource Request, DateTimeOffset? InUse, IReadOnlyList<string> Commands);

/// <summary>Shows the person's own requests, and uses and ends them.</summary>
internal static class Mine
{
    private const int MostCommands = 8;

    public static async Task<Answer> Show(Visit visit)
    {
        var desk = visit.User;
        var requests = (await desk.Mine(visit.Cancellation)).Requests;
        var live = await desk.LiveCertificates(visit.Cancellation);
        var nodes = live.Any(certificate => certificate.Requests is [_, ..]) ? await desk.Nodes(visit.Cancellation) : null;
        var open = requests.Where(request => request.Spec.State is RequestStates.Pending or RequestStates.Approved)
            .Select(request => Of(request, live, nodes, desk)).ToList();
        var ended = requests.Where(request => open.TrueForAll(one => one.Request != request)).ToList();
        return new Answer.Page(
            "Mine", "/mine", desk.MineCommand, Html.Part<MineView, MineModel>(new MineModel(desk, open, ended, visit.Now)),
            $"mine {Live.Print(requests)}");
    }

    private static MyRequest Of(RequestResource request, CertificateInfo[] live, NodeList? nodes, UserDesk desk)
    {
        var used = live.Where(certificate => certificate.Requests.Contains(request.Metadata.Name)).ToList();
        var logins = used.SelectMany(certificate => certificate.Principals).Distinct().Where(one => !JumpHost.IsPrincipal(one)).SelectMany(
            principal => principal.Split("@=") is [var named, var group]
                ? (nodes?.Nodes ?? []).Where(one => one.Groups?.Contains(group) == true).Select(one => (named, one.Name))
                : principal.Split('@', 2) is [var login, var node] ? [(login, node)]
                : (nodes?.Nodes ?? []).Where(one => one.Logins.Contains(principal)).Select(one => (principal, one.Name)));
        return new MyRequest(
            request, used is [] ? null : used.Max(certificate => certificate.ValidBefore),
            [.. logins.Take(MostCommands).Select(one => desk.SshCommand(one.Item1, one.Item2))]);
    }

    /// <summary>Logs in with a request.</summary>
    public static async Task<Answer> Use(Visit visit)
    {
        var (done, said) = await visit.User.Use(visit.Form.Need("id"), visit.Cancellation);
        var kind = done ? SaidKind.Done : SaidKind.Refused;
        return new Answer.Go(
            "/mine", [.. said.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => new Said(kind, line))]);
    }

    /// <summary>Withdraws a pending request.</summary>
    public static async Task<Answer> Cancel(Visit visit) =>
        Ended(await visit.User.Cancel(visit.Form.Need("id"), visit.Cancellation), "cancelled");

    /// <summary>Gives up an approved request.</summary>
    public static async Task<Answer> Drop(Visit visit) =>
        Ended(await visit.User.Drop(visit.Form.Need("id"), visit.Cancellation), "dropped");

    private static Answer.Go Ended(RequestResolved resolved, string what) =>
        new("/mine", [.. Decisions.After(resolved, RequestText.Done(resolved, what))]);
}
