using System.Text.Json.Serialization;

namespace CertAuthority.Protocol;

/// <summary>Requests a certificate as the caller's user.</summary>
/// <param name="PublicKey">The key to certify: one line, <c>ssh-ed25519 AAAA… comment</c>.</param>
/// <param name="User">Which of the caller's users to act as; null if there is only one.</param>
/// <param name="Requests">Approved requests to use, as IDs or unique prefixes; at most five.</param>
/// <param name="Ttl">A shorter lifetime than the roles allow, as a duration.</param>
/// <param name="Node">The only node that the certificate is for; null for all that the roles reach.</param>
/// <param name="Regular">Uses only the regular roles, even if these say that a login must file a request.</param>
/// <param name="Session">
/// The login session for a certificate of a single node, as returned in <see cref="LoggedIn"/>. The certificate then does not count as a
/// login of its own.
/// </param>
/// <param name="IdempotencyKey">
/// Names the call: the same call with the same key within an hour gets the same certificates again, for as long as they are valid and would
/// be issued in the same way. In HTTP, it is the header <c>Idempotency-Key</c>: 16 to 64 letters, digits and dashes. Null for none.
/// </param>
public sealed record Login(
    string PublicKey, string? User = null, string[]? Requests = null, string? Ttl = null, string? Node = null, bool Regular = false,
    string? Session = null, string? IdempotencyKey = null);

/// <summary>The result of a login: signed certificates.</summary>
/// <param name="Certificate">
/// The certificate with the requested access: the line of an <c>id-cert.pub</c> file, without a newline. Null if every login needs a
/// certificate for its host.
/// </param>
/// <param name="Info">The content of the certificate.</param>
/// <param name="PerHost">
/// Whether the roles reach more than one certificate can hold, so that logins on single hosts were left out: ask again with a node.
/// </param>
/// <param name="HostCas">
/// The public halves of the host CA keys, each as one line, with the signing one first; they verify the certificates of hosts.
/// </param>
/// <param name="RequestAccess">
/// <c>always</c> or <c>reason</c>, without a certificate: the user's roles say that a login must file a request for <c>*</c>; for
/// <c>reason</c>, with a reason.
/// </param>
public sealed record LoggedIn(
    string[] HostCas, string? Certificate = null, CertificateInfo? Info = null, bool PerHost = false, string? RequestAccess = null)
{
    /// <summary>
    /// Further certificates for the same key: the everyday one in addition to an elevated one, and one for each role that attaches
    /// conditions to its logins. Null if there are none.
    /// </summary>
    public OneCertificate[]? Others { get; init; }

    /// <summary>All certificates, with the requested access first; empty if every login needs a certificate for its host.</summary>
    [JsonIgnore]
    public OneCertificate[] Certificates =>
        Certificate is null || Info is null ? Others ?? [] : [new OneCertificate(Certificate, Info), .. Others ?? []];

    /// <summary>
    /// Why certificates that the roles would otherwise grant are missing, each as the problem that it would have been alone; null if none
    /// is missing.
    /// </summary>
    public Problem[]? Missing { get; init; }

    /// <summary>The ID of the login session, for later calls for certificates of single nodes.</summary>
    public string? Session { get; init; }

    /// <summary>When the login session ends; null if none began.</summary>
    public DateTimeOffset? SessionEnds { get; init; }

    /// <summary>The user that logged in; null if no session began.</summary>
    public string? User { get; init; }
}

/// <summary>One of several certificates of a login.</summary>
/// <param name="Certificate">The line of a <c>-cert.pub</c> file, without a newline.</param>
/// <param name="Info">The content of the certificate.</param>
public sealed record OneCertificate(string Certificate, CertificateInfo Info);

/// <summary>A certificate as the daemon recorded it.</summary>
public sealed record CertificateInfo
{
    /// <summary>A decimal number as text, because many tools lose digits above 2^53.</summary>
    public required string Serial { get; init; }

    /// <summary>The user that the certificate is for.</summary>
    public required string User { get; init; }

    /// <summary>The key ID, which sshd writes to its log.</summary>
    public required string KeyId { get; init; }

    /// <summary>The roles in use when it was issued.</summary>
    public required string[] Roles { get; init; }

    /// <summary>The IDs of the requests in use.</summary>
    public required string[] Requests { get; init; }

    /// <summary>
    /// The principals: a bare login is valid on every host, <c>login@node</c> on one, and <c>login@=token</c> on the hosts of a group.
    /// </summary>
    public required string[] Principals { get; init; }

    /// <summary>The first instant at which it is valid.</summary>
    public required DateTimeOffset ValidAfter { get; init; }

    /// <summary>The first instant at which it is no longer valid.</summary>
    public required DateTimeOffset ValidBefore { get; init; }

    /// <summary>The rule that set the end.</summary>
    public required string LimitedBy { get; init; }

    /// <summary>Whether it was revoked.</summary>
    public required bool Revoked { get; init; }

    /// <summary>When it was revoked.</summary>
    public DateTimeOffset? RevokedAt { get; init; }

    /// <summary>
    /// A name that distinguishes the certificate from the others of its login: <c>everyday</c>, <c>elevated</c>, or one of these with the
    /// role whose conditions it contains, <c>elevated-restore</c>.
    /// </summary>
    public string? Name { get; init; }

    /// <summary>
    /// The conditions of its sessions: critical options by name, with their values as the certificate contains them; null for none.
    /// </summary>
    public Dictionary<string, string>? CriticalOptions { get; init; }

    /// <summary>
    /// The fingerprint of the user CA key that signed it, as <c>ssh-keygen -l</c> prints it; null if it was not recorded.
    /// </summary>
    public string? Ca { get; init; }

    /// <summary>
    /// Whether it opens a login on a node: by the node's own principal, by one for a group of hosts, or by one for all hosts. A login with
    /// a domain has no principal for all hosts: <c>adam@corp.example.com</c> in a certificate is the login <c>adam</c> on a node of that
    /// name.
    /// </summary>
    /// <param name="login">Without a domain, or with one.</param>
    /// <param name="node">The node's name.</param>
    /// <param name="groups">The tokens of groups that the host of the node accepts; null for none.</param>
    public bool Opens(string login, string node, string[]? groups = null) =>
        Principals.Contains($"{login}@{node}") || (!login.Contains('@') && Principals.Contains(login))
        || (groups is not null && Array.Exists(groups, group => Principals.Contains($"{login}@={group}")));

    /// <summary>The only command that runs; null for any. One of <see cref="CriticalOptions"/>.</summary>
    public string? ForceCommand => CriticalOptions?.GetValueOrDefault("force-command");

    /// <summary>The only addresses from which it is accepted; null for all. One of <see cref="CriticalOptions"/>.</summary>
    public string[]? SourceAddresses => CriticalOptions?.GetValueOrDefault("source-address")?.Split(',');

    /// <summary>True if the security key has to verify its user each time; otherwise null. One of <see cref="CriticalOptions"/>.</summary>
    public bool? VerifyRequired => CriticalOptions?.ContainsKey("verify-required") is true ? true : null;

    /// <summary>Whether its sessions have any condition.</summary>
    [JsonIgnore]
    public bool HasConditions => CriticalOptions is { Count: > 0 };
}

/// <summary>Asks for one of the caller's certificates.</summary>
/// <param name="Serial">The serial.</param>
/// <param name="User">Which of the caller's users to act as.</param>
public sealed record GetMyCertificate(string Serial, string? User = null);

/// <summary>Lists all certificates ever signed, newest first.</summary>
/// <param name="Limit">The largest number of certificates, at least 1. A page contains at most 1000.</param>
/// <param name="User">Only certificates of this user.</param>
/// <param name="Request">Only certificates issued under this request, by its whole ID.</param>
/// <param name="State">Only those that are <c>live</c>, <c>expired</c> or <c>revoked</c>.</param>
/// <param name="Node">Only those that open a login on this node.</param>
/// <param name="After">Only certificates after this position: the <c>next</c> of the previous page.</param>
public sealed record ListCertificates(
    int? Limit = null, string? User = null, string? Request = null, string? State = null, string? Node = null, string? After = null);

/// <summary>Lists the certificates of the caller's user, newest first.</summary>
/// <param name="User">Which of the caller's users to act as.</param>
/// <param name="State">Only those that are <c>live</c>, <c>expired</c> or <c>revoked</c>.</param>
/// <param name="Limit">The largest number of certificates, at least 1. A page contains at most 1000.</param>
/// <param name="After">Only certificates after this position: the <c>next</c> of the previous page.</param>
public sealed record ListMyCertificates(string? User = null, string? State = null, int? Limit = null, string? After = null);

/// <summary>Revokes live certificates of the caller's user: by serial, or all.</summary>
/// <param name="Serials">The serials to revoke; null for none.</param>
/// <param name="All">Whether to revoke all of them.</param>
/// <param name="User">Which of the caller's users to act as.</param>
public sealed record RevokeMyCertificates(string[]? Serials = null, bool All = false, string? User = null);

/// <summary>Revokes live certificates: by serial, by user, by request, by role in use, or all of them.</summary>
/// <param name="Serials">The serials to revoke; null for none.</param>
/// <param name="User">Revokes all certificates of this user.</param>
/// <param name="Request">Revokes all certificates issued under this request, given as an ID or a unique prefix.</param>
/// <param name="Role">Revokes all certificates issued with this role in use.</param>
/// <param name="Reason">The reason, kept in the audit.</param>
/// <param name="All">Whether to revoke all certificates of all users.</param>
public sealed record RevokeCertificates(
    string[]? Serials = null, string? User = null, string? Request = null, string? Role = null, string Reason = "", bool All = false);

/// <summary>The result of a revocation.</summary>
/// <param name="Revoked">The revoked serials, without certificates that were already revoked or expired.</param>
public sealed record CertificatesRevoked(string[] Revoked);

/// <summary>Several certificates.</summary>
/// <param name="Certificates">Newest first.</param>
/// <param name="Next">The position after which there are more certificates; null if there are none.</param>
public sealed record CertificateList(CertificateInfo[] Certificates, string? Next = null);

/// <summary>Asks for the address of a node that a live certificate of the caller's user reaches.</summary>
/// <param name="Name">The name of the node.</param>
/// <param name="User">Which of the caller's users to act as.</param>
/// <param name="Login">The wanted login on the node. If no live certificate opens it, the refusal says what would. Null for any.</param>
public sealed record GetMyNode(string Name, string? User = null, string? Login = null);

/// <summary>A node, and the logins that the user's live certificates open there.</summary>
/// <param name="Name">The name of the node.</param>
/// <param name="Address"><c>host[:port]</c>.</param>
/// <param name="Logins">The logins, sorted.</param>
/// <param name="Jumps">The jump hosts on the way to it, the first to connect to first; null if it is reached directly.</param>
/// <param name="Groups">The tokens of groups that its host accepts; null for none.</param>
public sealed record ReachableNode(string Name, string Address, string[] Logins, JumpHost[]? Jumps = null, string[]? Groups = null);

/// <summary>
/// A host through which others are reached. It opens only for forwarding to the hosts behind it, to the account
/// <c>certauthority-jump</c> and the certificate of a login that has this principal.
/// </summary>
/// <param name="Name">The name of the node.</param>
/// <param name="Address"><c>host[:port]</c>.</param>
/// <param name="Via">The name of the jump host through which this one is reached; null if it is reached directly.</param>
public sealed record JumpHost(string Name, string Address, string? Via = null)
{
    /// <summary>The account by which all jump hosts are passed.</summary>
    public const string Login = "certauthority-jump";

    /// <summary>Whether a principal opens no login, but passes a jump host.</summary>
    public static bool IsPrincipal(string principal) => principal.StartsWith($"{Login}@", StringComparison.Ordinal);
}

/// <summary>Lists the nodes within reach of the user's roles, and of the requests that a live certificate uses.</summary>
/// <param name="User">Which of the caller's users to act as.</param>
public sealed record ListMyNodes(string? User = null);

/// <summary>The nodes that a login reaches.</summary>
/// <param name="Nodes">The nodes within reach, sorted by name.</param>
/// <param name="Everywhere">Logins that are valid on every host that trusts the CA, even if the list does not contain it.</param>
/// <param name="PerHost">Whether one certificate cannot hold all of them, so that some nodes need a certificate of their own.</param>
/// <param name="Requestable">
/// Nodes out of reach for which the user may request access, or a role that would open them. Sorted by name.
/// </param>
/// <param name="Jumps">The jump hosts on the ways to the nodes within reach, sorted by name; null if there are none.</param>
public sealed record NodeList(
    ListedNode[] Nodes, string[] Everywhere, bool PerHost, RequestableNode[] Requestable, JumpHost[]? Jumps = null);

/// <summary>A node that a request could open.</summary>
/// <param name="Name">The name of the node.</param>
/// <param name="Roles">Roles to request, each of which suffices; sorted. Empty if the node itself must be requested by name.</param>
public sealed record RequestableNode(string Name, string[] Roles);

/// <summary>A node within reach.</summary>
/// <param name="Name">The name of the node.</param>
/// <param name="Address"><c>host[:port]</c>.</param>
/// <param name="Labels">The labels by which roles select it.</param>
/// <param name="Logins">The logins, sorted.</param>
/// <param name="Via">The name of the jump host through which it is reached; null if it is reached directly.</param>
/// <param name="Groups">The tokens of groups that its host accepts; null for none.</param>
public sealed record ListedNode(
    string Name, string Address, Dictionary<string, string> Labels, string[] Logins, string? Via = null, string[]? Groups = null);

/// <summary>Asks for the public halves of the user CA keys.</summary>
public sealed record GetUserCas;

/// <summary>Asks for the public halves of the host CA keys.</summary>
public sealed record GetHostCas;

/// <summary>The CA keys to trust for one purpose.</summary>
/// <param name="Keys">The keys; the one that signs now comes first.</param>
public sealed record CaPublicKeys(CaPublicKey[] Keys);

/// <summary>The CA keys to believe for hosts.</summary>
/// <param name="Keys">The keys; the one that signs now comes first.</param>
/// <param name="Installation">
/// The installation whose keys they are, in sixteen hexadecimal digits. A daemon of version 0.1 names none.
/// </param>
/// <param name="Statements">
/// Statements by which former keys, and the one that signs, name the keys that take over, each signed by the key that makes it: a client
/// follows them from a key that it believes to one that is new to it. Null if there are none.
/// </param>
public sealed record HostCaPublicKeys(CaPublicKey[] Keys, string? Installation = null, string[]? Statements = null);

/// <summary>A public key.</summary>
/// <param name="PublicKey">
/// One line. For users it is exactly a line of a TrustedUserCAKeys file, for hosts the text after <c>@cert-authority PATTERN</c> in a
/// known_hosts file.
/// </param>
/// <param name="Fingerprint">The fingerprint, as <c>ssh-keygen -l</c> prints it.</param>
public sealed record CaPublicKey(string PublicKey, string Fingerprint);

/// <summary>Asks for the key revocation list.</summary>
public sealed record GetKrl;

/// <summary>The revocation list in force.</summary>
/// <param name="Krl">The bytes of a RevokedKeys file.</param>
public sealed record RevocationList(byte[] Krl);
