namespace CertAuthority.Protocol;

/// <summary>Asks the daemon to sign the key of a host.</summary>
/// <param name="Name">The name of the node.</param>
/// <param name="PublicKey">The public half of a host key: one line, <c>ssh-ed25519 AAAA… comment</c>.</param>
/// <param name="Ttl">The lifetime of the certificate, a duration up to 366d; 30d by default.</param>
public sealed record CertifyHost(string Name, string PublicKey, string? Ttl = null);

/// <summary>A signed host certificate.</summary>
/// <param name="Certificate">The line of a <c>HostCertificate</c> file, without a newline.</param>
/// <param name="Info">The content of the certificate.</param>
/// <param name="HostCas">The public halves of the host CA keys, each as one line, with the signing one first.</param>
public sealed record HostCertified(string Certificate, HostCertificateInfo Info, string[] HostCas);

/// <summary>A host certificate as the daemon recorded it.</summary>
/// <param name="Serial">The serial, a decimal number as text.</param>
/// <param name="Principals">The names and addresses that it vouches for.</param>
/// <param name="ValidAfter">The first instant at which it is valid.</param>
/// <param name="ValidBefore">The first instant at which it is no longer valid.</param>
public sealed record HostCertificateInfo(string Serial, string[] Principals, DateTimeOffset ValidAfter, DateTimeOffset ValidBefore);

/// <summary>
/// Requests certificates by which an administrator tests whether a host handles certificates correctly. They are valid for five minutes and
/// run only <c>true</c>.
/// </summary>
/// <param name="Name">The name of the node.</param>
/// <param name="PublicKey">A key made for this test: one line.</param>
/// <param name="Login">An account of the host.</param>
public sealed record ProveNode(string Name, string PublicKey, string Login);

/// <summary>Certificates for a proof, each the line of an <c>id-cert.pub</c> file.</summary>
/// <param name="Enters">A certificate that the host must accept.</param>
/// <param name="Elsewhere">A certificate for another host, which the host must reject.</param>
/// <param name="Revoked">A certificate on the current revocation list, which the host must reject.</param>
/// <param name="HostCas">The public halves of the host CA keys, each as one line; one of them verifies the host's own certificate.</param>
public sealed record NodeProof(string Enters, string Elsewhere, string Revoked, string[] HostCas);

/// <summary>Lists the nodes, for an administrator.</summary>
/// <param name="Search">Words that must all be in the name, the address, or a label written <c>env=prod</c>.</param>
/// <param name="Failing">Whether to list only nodes to which the last write failed.</param>
/// <param name="Limit">The size of the page; null for all nodes in one.</param>
/// <param name="After">The place after which the page begins: the <c>next</c> of the page before.</param>
public sealed record ListNodes(string? Search = null, bool Failing = false, int? Limit = null, string? After = null);

/// <summary>The nodes, or a page of them.</summary>
/// <param name="Nodes">The nodes, sorted by name.</param>
/// <param name="Next">The place of the next page; null if there is none.</param>
public sealed record NodeStatusList(NodeStatus[] Nodes, string? Next = null);

/// <summary>A node and its state.</summary>
/// <param name="Name">The name of the node.</param>
/// <param name="Address"><c>host[:port]</c>.</param>
/// <param name="Labels">The labels by which roles select it.</param>
/// <param name="Certificate">The last certificate signed for it; null for none.</param>
/// <param name="Sync">The state of the daemon's writes to it; null if the daemon does not write to it.</param>
/// <param name="KeepKeys">Whether plain keys open it too, as a pilot.</param>
/// <param name="Report">What a host that fetches its files last reported of itself; null for nothing.</param>
/// <param name="Via">The name of the jump host through which it is reached; null if it is reached directly.</param>
/// <param name="Jump">Whether it is a jump host.</param>
/// <param name="Expires">The first instant at which nothing opens it any more; null for never.</param>
/// <param name="Seen">When the host was last seen, by a write to it or by its report; null for never.</param>
/// <param name="Forgotten">When the node is removed unless its host is seen again; null for never.</param>
/// <param name="Groups">The groups that it is in; null for none.</param>
public sealed record NodeStatus(
    string Name, string Address, Dictionary<string, string> Labels, HostCertificateInfo? Certificate = null, NodeSyncInfo? Sync = null,
    bool KeepKeys = false, NodeReportInfo? Report = null, string? Via = null, bool Jump = false, DateTimeOffset? Expires = null,
    DateTimeOffset? Seen = null, DateTimeOffset? Forgotten = null, NodeGroupInfo[]? Groups = null);

/// <summary>A group that a node is in.</summary>
/// <param name="Name">The name of the group.</param>
/// <param name="Confirmed">Whether its host was seen to accept certificates that name the group.</param>
public sealed record NodeGroupInfo(string Name, bool Confirmed);

/// <summary>What a host reported of itself.</summary>
/// <param name="Time">When the host made the report.</param>
/// <param name="KrlVersion">The version of its revocation list, as text.</param>
/// <param name="UpToDate">Whether that is the current list.</param>
/// <param name="Stale">Whether the report is older than a host that fetches every minute would leave it.</param>
/// <param name="Witnessed">How many entries of the audit it witnessed, as text; null for none.</param>
/// <param name="GroupsFault">
/// What is in the way of its groups: <c>unread</c> if its sshd does not read the file, <c>refused</c> if the place from which it fetches
/// has no file that it may take; null for nothing.
/// </param>
public sealed record NodeReportInfo(
    DateTimeOffset Time, string KrlVersion, bool UpToDate, bool Stale, string? Witnessed = null, string? GroupsFault = null);

/// <summary>The state of the daemon's writes to a host.</summary>
/// <param name="UpToDate">Whether the host has the current revocation list.</param>
/// <param name="Stale">Whether the daemon could not write to it for too long.</param>
/// <param name="KrlVersion">The version of the revocation list on the host, as text; null for none yet.</param>
/// <param name="Synced">When the daemon wrote that list; null for never.</param>
/// <param name="Failure">Why the last attempt failed; null if it did not.</param>
/// <param name="Failed">When the last attempt failed.</param>
/// <param name="Contested">Whether it failed because the host has another daemon's revocation list.</param>
/// <param name="Exempt">
/// Whether the host's sshd exempts any address from its penalties (<c>PerSourcePenaltyExemptList</c>). If not, failing logins from the
/// daemon's address can keep new lists out. Null if sshd has no penalties (before OpenSSH 9.8), or if this is not known.
/// </param>
/// <param name="Next">What would help against the failure; null for nothing in particular.</param>
/// <param name="Witnessed">The number of entries of the audit in the checkpoint that the host keeps, as text; null for none.</param>
/// <param name="Altered">
/// What somebody had changed on the host when the daemon last found a change; null for nothing since the last <c>tctl nodes sync</c>.
/// </param>
/// <param name="AlteredAt">When the daemon found that.</param>
public sealed record NodeSyncInfo(
    bool UpToDate, bool Stale, string? KrlVersion = null, DateTimeOffset? Synced = null, string? Failure = null,
    DateTimeOffset? Failed = null, bool Contested = false, bool? Exempt = null, NextStep[]? Next = null,
    string? Witnessed = null, string? Altered = null, DateTimeOffset? AlteredAt = null);

/// <summary>Writes to a host now. The answer arrives when this is done.</summary>
/// <param name="Name">The name of the node.</param>
/// <param name="TakeOver">Whether to replace another daemon's revocation list.</param>
public sealed record SyncNode(string Name, bool TakeOver = false);

/// <summary>Asks which hosts do not have the current revocation list, after waiting for them.</summary>
/// <param name="Wait">
/// The longest wait, a duration up to 10m. Null for 3 seconds, or less if the hosts without the list have failed more than once in a row.
/// </param>
public sealed record ListHostsBehind(string? Wait = null);

/// <summary>The hosts without the current revocation list.</summary>
/// <param name="KrlVersion">The version of that list, as text.</param>
/// <param name="Written">How many hosts the daemon writes to.</param>
/// <param name="Behind">How many of these hosts do not have it.</param>
/// <param name="Hosts">The hosts without it, up to 200. Empty for users, because they may not know which hosts exist.</param>
public sealed record HostsBehind(string KrlVersion, int Written, int Behind, HostBehind[] Hosts);

/// <summary>A host without the current revocation list.</summary>
/// <param name="Name">The name of the node.</param>
/// <param name="Failure">Why the last attempt failed; null if none has.</param>
public sealed record HostBehind(string Name, string? Failure = null);

/// <summary>Asks for the files of a host.</summary>
/// <param name="Name">The name of the node.</param>
/// <param name="Preview">Whether to answer also for a node that does not exist, as it would be.</param>
/// <param name="Push">Whether to assume that the daemon writes to it; null for what the node says.</param>
/// <param name="Exempt">
/// Addresses for <c>PerSourcePenaltyExemptList</c>, separated by commas, the daemon's first; null for a host whose sshd does not support
/// it.
/// </param>
/// <param name="KeepKeys">Whether to assume that plain keys open it too; null for what the node says.</param>
/// <param name="Jump">Whether to assume that it is a jump host; null for what the node says.</param>
public sealed record GetNodeFiles(
    string Name, bool Preview = false, bool? Push = null, string? Exempt = null, bool? KeepKeys = null, bool? Jump = null);

/// <summary>Asks for the consequences of enrolling a host. Changes nothing.</summary>
/// <param name="Name">The name of the node, which need not exist yet.</param>
/// <param name="Labels">The labels that it would have; if the node exists, its own labels count instead.</param>
/// <param name="MachineId">The host's <c>/etc/machine-id</c>.</param>
/// <param name="BootId">The identity of the host's running kernel: <c>/proc/sys/kernel/random/boot_id</c>.</param>
public sealed record PlanNode(string Name, Dictionary<string, string> Labels, string MachineId = "", string BootId = "");

/// <summary>The consequences of an enrollment.</summary>
/// <param name="IsDaemonsHost">Whether the host is the daemon's own, which must not trust the daemon.</param>
/// <param name="HasDaemonsMachineId">Whether it is another machine with the machine-id of the daemon's host, as a clone has.</param>
/// <param name="Entrants">The users who could log in, by role and login; empty if nobody could.</param>
public sealed record NodePlan(bool IsDaemonsHost, bool HasDaemonsMachineId, NodeEntrant[] Entrants);

/// <summary>The users who can log in to a host by one role.</summary>
/// <param name="Role">The name of the role.</param>
/// <param name="Users">The users, sorted.</param>
/// <param name="Login">The login that it opens; null if they have to request the role first.</param>
/// <param name="OnRequest">Whether they have to request the role first.</param>
public sealed record NodeEntrant(string Role, string[] Users, string? Login = null, bool OnRequest = false);

/// <summary>
/// The files for a host: mode 0644, owned by root. If the daemon writes to the host, <c>/etc/ssh/certauthority</c> belongs to the account
/// <c>certauthority-sync</c> instead.
/// </summary>
/// <param name="Files">The files, in the order in which they must be written.</param>
public sealed record NodeFiles(NodeFile[] Files);

/// <summary>A file on a host.</summary>
/// <param name="Path">The absolute path.</param>
/// <param name="Content">The content.</param>
public sealed record NodeFile(string Path, byte[] Content);
