namespace CertAuthority.Protocol;

/// <summary>
/// Something that happened to a request, to hosts, or to the daemon, as it is told outside the daemon: on the standard input of the notify
/// command, and to webhooks.
/// </summary>
/// <param name="Id">A UUID of this event, the same each time that it is told, and to everybody.</param>
/// <param name="Attempt">How often it has been told to this receiver, this time included.</param>
/// <param name="Event">
/// <c>request.created</c>, <c>request.reviewed</c>, <c>request.approved</c>, <c>request.denied</c>, <c>request.cancelled</c> or
/// <c>access.ending</c>; or, of hosts, <c>hosts.stale</c>, <c>hosts.fresh</c> or <c>hosts.contested</c>; or, of the disk, <c>disk.low</c>
/// or <c>disk.fine</c>.
/// </param>
/// <param name="Time">When it happened.</param>
/// <param name="Request">The request as it was then; null where it happened to something else.</param>
/// <param name="Hosts">The names of the hosts, in order; null where it happened to something else.</param>
/// <param name="Disk">The disk of the daemon; null where it happened to something else.</param>
/// <param name="Text">To webhooks: the event in one line for people, written as Slack reads it.</param>
public sealed record Notification(
    string Id, int Attempt, string Event, DateTimeOffset Time, RequestResource? Request = null, string[]? Hosts = null,
    DiskStatus? Disk = null, string? Text = null);

/// <summary>How telling somebody goes.</summary>
/// <param name="Name">Whom: <c>command</c>, <c>mail</c>, or <c>webhook/</c> and a name.</param>
/// <param name="Waiting">How many events they have not been told yet.</param>
/// <param name="GivenUp">How many they never will be: told in vain too often, or too many at once.</param>
/// <param name="LastFailure">What went wrong last, though it may have gone well since; null when nothing ever did.</param>
/// <param name="LastFailed">When.</param>
public sealed record ReceiverStatus(string Name, long Waiting, long GivenUp, string? LastFailure = null, DateTimeOffset? LastFailed = null);
