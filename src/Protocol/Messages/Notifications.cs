namespace CertAuthority.Protocol;

/// <summary>
/// An event about a request, hosts, or the daemon, as the daemon sends it on the standard input of the notify command and to webhooks.
/// </summary>
/// <param name="Id">A UUID of this event, the same for each attempt and for every receiver.</param>
/// <param name="Attempt">The number of the attempt for this receiver, from 1.</param>
/// <param name="Event">
/// <c>request.created</c>, <c>request.reviewed</c>, <c>request.approved</c>, <c>request.denied</c>, <c>request.cancelled</c> or
/// <c>access.ending</c>; for hosts <c>hosts.stale</c>, <c>hosts.fresh</c> or <c>hosts.contested</c>; for the disk <c>disk.low</c> or
/// <c>disk.fine</c>.
/// </param>
/// <param name="Time">When it happened.</param>
/// <param name="Request">The request as it was then; null if the event is about something else.</param>
/// <param name="Hosts">The names of the hosts, sorted; null if the event is about something else.</param>
/// <param name="Disk">The disk of the daemon; null if the event is about something else.</param>
/// <param name="Text">For webhooks: the event in one line for people, in Slack's format.</param>
public sealed record Notification(
    string Id, int Attempt, string Event, DateTimeOffset Time, RequestResource? Request = null, string[]? Hosts = null,
    DiskStatus? Disk = null, string? Text = null);

/// <summary>The state of one receiver.</summary>
/// <param name="Name">The receiver: <c>command</c>, <c>mail</c>, or <c>webhook/</c> and a name.</param>
/// <param name="Waiting">How many notices have not been sent to it yet.</param>
/// <param name="GivenUp">How many notices were dropped, after too many failed attempts or because too many were waiting.</param>
/// <param name="LastFailure">The last error, even if sending has succeeded since; null if there never was one.</param>
/// <param name="LastFailed">When the last error happened.</param>
public sealed record ReceiverStatus(string Name, long Waiting, long GivenUp, string? LastFailure = null, DateTimeOffset? LastFailed = null);
