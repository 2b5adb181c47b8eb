using CertAuthority.Protocol;
using CertAuthority.Ui.Desks;
using CertAuthority.Ui.Serving;

namespace CertAuthority.Ui.Pages;

/// <summary>The requests that wait for this person.</summary>
/// <param name="Desk">What the person may do.</param>
/// <param name="Groups">The requests, those for the same roles and hosts together.</param>
/// <param name="Next">The position of the next page; null if there is none.</param>
/// <param name="Now">The time.</param>
public sealed record WaitingModel(Desk Desk, IReadOnlyList<WaitingGroup> Groups, string? Next, DateTimeOffset Now);

/// <summary>Requests of one kind: for the same roles and hosts.</summary>
/// <param name="Form">The name of the form that answers several of them.</param>
/// <param name="Requests">The requests.</param>
public sealed record WaitingGroup(string Form, IReadOnlyList<RequestResource> Requests);

/// <summary>One request that a person can answer.</summary>
/// <param name="Desk">What the person may do.</param>
/// <param name="Request">The request, with its facts.</param>
/// <param name="Now">The time.</param>
/// <param name="MayDeny">Whether the person can deny it; whether they can approve it too is one of its facts.</param>
/// <param name="Back">The page to return to.</param>
/// <param name="Several">The form that answers several; null if it stands alone.</param>
public sealed record CardModel(
    Desk Desk, RequestResource Request, DateTimeOffset Now, bool MayDeny = true, string Back = "", string? Several = null)
{
    /// <summary>Whether the person can approve it.</summary>
    public bool MayApprove => MayDeny && Request.Facts is { WhyNotYou: null };
}

/// <summary>Shows what waits.</summary>
internal static class Waiting
{
    public static async Task<Answer> Show(Visit visit)
    {
        var list = await visit.Desk.Waiting(visit.Query["after"], Desk.OnOneScreen, visit.Cancellation);
        var requests = new List<RequestResource>();
        foreach (var listed in list.Requests)
            if (await Read(visit, listed.Metadata.Name) is { } request)
                requests.Add(request);
        var groups = requests.GroupBy(Kind).Select((group, i) => new WaitingGroup($"several-{i}", [.. group])).ToList();
        return new Answer.Page(
            "Waiting for you", "/", visit.Desk.WaitingCommand,
            Html.Part<WaitingView, WaitingModel>(new WaitingModel(visit.Desk, groups, list.Next, visit.Now)),
            $"waiting {await Live.OfWaiting(visit.Desk, visit.Cancellation)}");
    }

    // Somebody else may answer it in this very moment.
    private static async Task<RequestResource?> Read(Visit visit, string id)
    {
        try
        {
            return await visit.Desk.Request(id, cancellation: visit.Cancellation);
        }
        catch (ProblemException gone) when (gone.Problem.Code == ProblemCode.NotFound)
        {
            return null;
        }
    }

    private static string Kind(RequestResource request) =>
        $"{string.Join(',', request.Spec.Roles)} {string.Join(',', request.Spec.Resources ?? [])}";
}
