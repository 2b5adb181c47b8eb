namespace CertAuthority.Protocol;

/// <summary>Has the key of a host signed.</summary>
/// <param name="Name">The node.</param>
/// <param name="PublicKey">The public half of a host key: one line, <c>ssh-ed25519 AAAA… comment</c>.</param>
/// <param name="Ttl">How long the certificate lives, as a duration up to 366d; 30d without.</param>
public sealed record CertifyHost(string Name, string PublicKey, string? Ttl = null);

/// <summary>A host certificate, signed.</summary>
/// <param name="Certificate">The line of a <c>HostCertificate</c> file, without a newline.</param>
/// <param name="Info">What it says.</param>
/// <param name="HostCa">The public half of the host CA, a line.</param>
public sealed record HostCertified(string Certificate, HostCertificateInfo Info, string HostCa);

/// <summary>A host certificate as recorded.</summary>
/// <param name="Serial">A decimal number as text.</param>
/// <param name="Principals">The names and addresses that it vouches for.</param>
/// <param name="ValidAfter">The first instant at which it is valid.</param>
/// <param name="ValidBefore">The first instant at which it is not valid any more.</param>
public sealed record HostCertificateInfo(string Serial, string[] Principals, DateTimeOffset ValidAfter, DateTimeOffset ValidBefore);

/// <summary>
/// Asks for certificates by which an administrator sees whether a host does what it must. They live for five minutes and run nothing but
/// <c>true</c>.
/// </summary>
/// <param name="Name">The node.</param>
/// <param name="PublicKey">A key made for this: one line.</param>
/// <param name="Login">An account of the host.</param>
public sealed record ProveNode(string Name, string PublicKey, string Login);

/// <summary>Certificates for a proof, each the line of an <c>id-cert.pub</c> file.</summary>
/// <param name="Enters">The host lets it in.</param>
/// <param name="Elsewhere">It does not, for it is for another host.</param>
/// <param name="Revoked">It does not, for it is on the revocation list that holds now.</param>
/// <param name="HostCa">The public half of the host CA, a line: the host's own certificate is signed with it.</param>
public sealed record NodeProof(string Enters, string Elsewhere, string Revoked, string HostCa);

/// <summary>Lists the nodes, for an administrator.</summary>
public sealed record ListNodes;

/// <summary>Every node.</summary>
/// <param name="Nodes">Sorted by name.</param>
public sealed record NodeStatusList(NodeStatus[] Nodes);

/// <summary>A node and how it fares.</summary>
/// <param name="Name">The node.</param>
/// <param name="Address"><c>host[:port]</c>.</param>
/// <param name="Labels">What roles select it by.</param>
/// <param name="Certificate">The last that was signed for it; null for none.</param>
/// <param name="Sync">What the daemon has written there; null where it does not write.</param>
public sealed record NodeStatus(
    string Name, string Address, Dictionary<string, string> Labels, HostCertificateInfo? Certificate = null, NodeSyncInfo? Sync = null);

/// <summary>What the daemon has written to a host.</summary>
/// <param name="UpToDate">Whether it has the list in place.</param>
/// <param name="Stale">Whether nothing could be written for too long.</param>
/// <param name="KrlVersion">The version of the revocation list that it has, as text; null for none yet.</param>
/// <param name="Synced">When that was written; null for never.</param>
/// <param name="Failure">Why the last attempt failed; null where it did not.</param>
/// <param name="Failed">When.</param>
/// <param name="Contested">Whether it failed because another daemon's revocation list is there.</param>
/// <param name="Exempt">
/// Whether its sshd exempts somebody from its penalties (<c>PerSourcePenaltyExemptList</c>). Where not, failing logins from the daemon's
/// address can keep new lists out. Null where it has none (before OpenSSH 9.8), and where nobody has looked.
/// </param>
/// <param name="Next">What would help against the failure; null for nothing in particular.</param>
public sealed record NodeSyncInfo(
    bool UpToDate, bool Stale, string? KrlVersion = null, DateTimeOffset? Synced = null, string? Failure = null,
    DateTimeOffset? Failed = null, bool Contested = false, bool? Exempt = null, NextStep[]? Next = null);

/// <summary>Writes to a host now. The answer comes when that is done.</summary>
/// <param name="Name">The node.</param>
/// <param name="TakeOver">Also where another daemon's revocation list is.</param>
public sealed record SyncNode(string Name, bool TakeOver = false);

/// <summary>Asks which hosts do not have the revocation list that is in place, after waiting for them.</summary>
/// <param name="Wait">
/// How long at most, a duration up to 10m. Without it 3 seconds, and less where those without it have failed more than once in a row.
/// </param>
public sealed record ListHostsBehind(string? Wait = null);

/// <summary>The hosts without the revocation list that is in place.</summary>
/// <param name="KrlVersion">The version of that list, as text.</param>
/// <param name="Written">How many hosts the daemon writes to.</param>
/// <param name="Behind">How many of them do not have it.</param>
/// <param name="Hosts">Which, up to 200 of them. Users, who may not know which hosts there are, get none.</param>
public sealed record HostsBehind(string KrlVersion, int Written, int Behind, HostBehind[] Hosts);

/// <summary>A host without the revocation list that is in place.</summary>
/// <param name="Name">The node.</param>
/// <param name="Failure">Why the last attempt failed; null where none has.</param>
public sealed record HostBehind(string Name, string? Failure = null);

/// <summary>Asks what is to lie on a host.</summary>
/// <param name="Name">The node.</param>
/// <param name="Preview">Also for one that does not exist: as it would be.</param>
/// <param name="Push">As if the daemon wrote to it, or did not; null for what the node says.</param>
/// <param name="Exempt">
/// Addresses for <c>PerSourcePenaltyExemptList</c>, commas between, the daemon's first; null for a host whose sshd does not know it.
/// </param>
public sealed record GetNodeFiles(string Name, bool Preview = false, bool? Push = null, string? Exempt = null);

/// <summary>Asks, before a host is enrolled, what that would mean. Nothing changes.</summary>
/// <param name="Name">The node, which need not exist yet.</param>
/// <param name="Labels">The labels that it would have; those of a node that exists count instead.</param>
/// <param name="MachineId">The host's <c>/etc/machine-id</c>.</param>
/// <param name="BootId">The identity of the host's running kernel: <c>/proc/sys/kernel/random/boot_id</c>.</param>
public sealed record PlanNode(string Name, Dictionary<string, string> Labels, string MachineId = "", string BootId = "");

/// <summary>What an enrollment would mean.</summary>
/// <param name="IsDaemonsHost">Whether the daemon runs there: such a host must not trust it.</param>
/// <param name="HasDaemonsMachineId">Whether it is another machine that has the machine-id of the daemon's host, as a clone has.</param>
/// <param name="Entrants">Who could enter, by role and login; empty where nobody could.</param>
public sealed record NodePlan(bool IsDaemonsHost, bool HasDaemonsMachineId, NodeEntrant[] Entrants);

/// <summary>Who can enter a host by one role.</summary>
/// <param name="Role">The role.</param>
/// <param name="Users">The users, sorted.</param>
/// <param name="Login">The login that it opens; null where they have to request the role first.</param>
/// <param name="OnRequest">Whether they have to request the role first.</param>
public sealed record NodeEntrant(string Role, string[] Users, string? Login = null, bool OnRequest = false);

/// <summary>
/// What is to lie on a host: files of mode 0644, root's, but where the daemon writes: there <c>/etc/ssh/certauthority</c> is of the account
/// <c>certauthority-sync</c>.
/// </summary>
/// <param name="Files">In the order in which they are to be put in place.</param>
public sealed record NodeFiles(NodeFile[] Files);

/// <summary>A file of a host.</summary>
/// <param name="Path">Absolute.</param>
/// <param name="Content">Its bytes.</param>
public sealed record NodeFile(string Path, byte[] Content);
