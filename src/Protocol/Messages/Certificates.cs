using System.Text.Json.Serialization;

namespace CertAuthority.Protocol;

/// <summary>Asks for a certificate as the caller's user.</summary>
/// <param name="PublicKey">The key to certify: one line, <c>ssh-ed25519 AAAA… comment</c>.</param>
/// <param name="User">As which of the caller's users; null where there is only one.</param>
/// <param name="Requests">Approved requests to use, ids or unique prefixes, at most five.</param>
/// <param name="Ttl">A lifetime shorter than what the roles allow, as a duration.</param>
/// <param name="Node">The one node that the certificate is for; null for all that the roles reach.</param>
/// <param name="Regular">With the regular roles also where these say that a login is to ask for more.</param>
/// <param name="Session">
/// The login session that a certificate for one node belongs to, as <see cref="LoggedIn"/> named it: then it does not count as a login of
/// its own.
/// </param>
public sealed record Login(
    string PublicKey, string? User = null, string[]? Requests = null, string? Ttl = null, string? Node = null, bool Regular = false,
    string? Session = null);

/// <summary>What a login got: certificates, signed.</summary>
/// <param name="Certificate">
/// The line of an <c>id-cert.pub</c> file, without a newline: what was asked for. Null when every login needs a certificate for its host.
/// </param>
/// <param name="Info">What it says.</param>
/// <param name="PerHost">
/// Whether the roles reach more than one certificate holds, so that logins on single hosts were left out: ask again with a node.
/// </param>
/// <param name="HostCa">The public half of the host CA, a line: what the hosts' own certificates are signed with.</param>
/// <param name="RequestAccess">
/// <c>always</c> or <c>reason</c>, and no certificate: the user's roles say that a login is to file a request for <c>*</c>, the latter with
/// a reason.
/// </param>
public sealed record LoggedIn(
    string HostCa, string? Certificate = null, CertificateInfo? Info = null, bool PerHost = false, string? RequestAccess = null)
{
    /// <summary>
    /// Certificates for the same key that stand beside it: the everyday one beside an elevated one, and one for each role that attaches
    /// conditions to its logins.
    /// Null where there is none.
    /// </summary>
    public OneCertificate[]? Others { get; init; }

    /// <summary>All of them: what was asked for first, then the others; none when every login needs a certificate for its host.</summary>
    [JsonIgnore]
    public OneCertificate[] Certificates =>
        Certificate is null || Info is null ? Others ?? [] : [new OneCertificate(Certificate, Info), .. Others ?? []];

    /// <summary>
    /// Why certificates are missing that the roles would otherwise grant, each as the problem that it would have been alone; null where
    /// none is.
    /// </summary>
    public Problem[]? Missing { get; init; }

    /// <summary>Names the login session to later calls for certificates of single nodes.</summary>
    public string? Session { get; init; }

    /// <summary>When the login session ends; null where none began.</summary>
    public DateTimeOffset? SessionEnds { get; init; }

    /// <summary>Whose it is; null where no session began.</summary>
    public string? User { get; init; }
}

/// <summary>One of several certificates of a login.</summary>
/// <param name="Certificate">The line of a <c>-cert.pub</c> file, without a newline.</param>
/// <param name="Info">What it says.</param>
public sealed record OneCertificate(string Certificate, CertificateInfo Info);

/// <summary>A certificate as recorded.</summary>
public sealed record CertificateInfo
{
    /// <summary>A decimal number as text, for many tools lose digits past 2^53.</summary>
    public required string Serial { get; init; }

    /// <summary>Whose.</summary>
    public required string User { get; init; }

    /// <summary>What sshd writes into its log.</summary>
    public required string KeyId { get; init; }

    /// <summary>The roles in use when it was issued.</summary>
    public required string[] Roles { get; init; }

    /// <summary>The ids of the requests in use.</summary>
    public required string[] Requests { get; init; }

    /// <summary>What it opens: a bare login is valid on every host, <c>login@node</c> on one.</summary>
    public required string[] Principals { get; init; }

    /// <summary>The first instant at which it is valid.</summary>
    public required DateTimeOffset ValidAfter { get; init; }

    /// <summary>The first instant at which it is not valid any more.</summary>
    public required DateTimeOffset ValidBefore { get; init; }

    /// <summary>The rule that set the end.</summary>
    public required string LimitedBy { get; init; }

    /// <summary>Whether it was revoked.</summary>
    public required bool Revoked { get; init; }

    /// <summary>When.</summary>
    public DateTimeOffset? RevokedAt { get; init; }

    /// <summary>
    /// What tells it from the others of its login: <c>everyday</c>, <c>elevated</c>, or one of them and the role whose conditions it
    /// carries, <c>elevated-restore</c>.
    /// </summary>
    public string? Name { get; init; }

    /// <summary>
    /// The conditions that a session with it meets: critical options by name, with their values as the certificate has them; null for none.
    /// </summary>
    public Dictionary<string, string>? CriticalOptions { get; init; }

    /// <summary>
    /// The fingerprint of the user CA key that signed it, as <c>ssh-keygen -l</c> prints it; null where the record does not say.
    /// </summary>
    public string? Ca { get; init; }

    /// <summary>
    /// Whether it opens a login on a node: by the node's own principal, or by one for all hosts. A login with a domain has none for
    /// all hosts: <c>adam@corp.example.com</c> in a certificate is the login <c>adam</c> on a node of that name.
    /// </summary>
    /// <param name="login">Without a domain, or with one.</param>
    /// <param name="node">The node's name.</param>
    public bool Opens(string login, string node) =>
        Principals.Contains($"{login}@{node}") || (!login.Contains('@') && Principals.Contains(login));

    /// <summary>The only command that runs; null for any. One of <see cref="CriticalOptions"/>.</summary>
    public string? ForceCommand => CriticalOptions?.GetValueOrDefault("force-command");

    /// <summary>The only addresses it is accepted from; null for all. One of <see cref="CriticalOptions"/>.</summary>
    public string[]? SourceAddresses => CriticalOptions?.GetValueOrDefault("source-address")?.Split(',');

    /// <summary>
    /// True where the security key has to verify its user each time; null where not. One of <see cref="CriticalOptions"/>.
    /// </summary>
    public bool? VerifyRequired => CriticalOptions?.ContainsKey("verify-required") is true ? true : null;

    /// <summary>Whether a session with it meets a condition.</summary>
    [JsonIgnore]
    public bool HasConditions => CriticalOptions is { Count: > 0 };
}

/// <summary>A certificate of the caller's own.</summary>
/// <param name="Serial">Its serial.</param>
/// <param name="User">As which of the caller's users.</param>
public sealed record GetMyCertificate(string Serial, string? User = null);

/// <summary>All certificates ever signed, newest first.</summary>
/// <param name="Limit">At most so many, from 1. A page has no more than 1000.</param>
/// <param name="User">Of this user only.</param>
/// <param name="Request">Issued under this request only, by its whole id.</param>
/// <param name="State"><c>live</c>, <c>expired</c> or <c>revoked</c> only.</param>
/// <param name="Node">Only those that open a login on this node.</param>
/// <param name="After">Behind this place: the <c>next</c> of the page before.</param>
public sealed record ListCertificates(
    int? Limit = null, string? User = null, string? Request = null, string? State = null, string? Node = null, string? After = null);

/// <summary>The certificates of the caller's user, newest first.</summary>
/// <param name="User">As which of the caller's users.</param>
/// <param name="State"><c>live</c>, <c>expired</c> or <c>revoked</c> only.</param>
/// <param name="Limit">At most so many, from 1. A page has no more than 1000.</param>
/// <param name="After">Behind this place: the <c>next</c> of the page before.</param>
public sealed record ListMyCertificates(string? User = null, string? State = null, int? Limit = null, string? After = null);

/// <summary>Revokes live certificates of the caller's user: by serial, or all.</summary>
/// <param name="Serials">Which; null for none by serial.</param>
/// <param name="All">All of them.</param>
/// <param name="User">As which of the caller's users.</param>
public sealed record RevokeMyCertificates(string[]? Serials = null, bool All = false, string? User = null);

/// <summary>Revokes live certificates: by serial, all of a user, of a request, or with a role in use, or all there are.</summary>
/// <param name="Serials">Which; null for none by serial.</param>
/// <param name="User">All of this user.</param>
/// <param name="Request">All issued under this request, an id or a unique prefix.</param>
/// <param name="Role">All issued with this role in use.</param>
/// <param name="Reason">Kept in the audit.</param>
/// <param name="All">All of everybody.</param>
public sealed record RevokeCertificates(
    string[]? Serials = null, string? User = null, string? Request = null, string? Role = null, string Reason = "", bool All = false);

/// <summary>What was revoked.</summary>
/// <param name="Revoked">The serials; what was revoked or over before is not among them.</param>
public sealed record CertificatesRevoked(string[] Revoked);

/// <summary>Several certificates.</summary>
/// <param name="Certificates">Newest first.</param>
/// <param name="Next">Behind which place there are more; null where there are none.</param>
public sealed record CertificateList(CertificateInfo[] Certificates, string? Next = null);

/// <summary>The address of a node that a live certificate of the caller's user reaches.</summary>
/// <param name="Name">The node.</param>
/// <param name="User">As which of the caller's users.</param>
/// <param name="Login">
/// The login that is wanted there. Where no live certificate opens it, the refusal says what would. Null for any.
/// </param>
public sealed record GetMyNode(string Name, string? User = null, string? Login = null);

/// <summary>A node, and the logins that the user's live certificates open there.</summary>
/// <param name="Name">The node.</param>
/// <param name="Address"><c>host[:port]</c>.</param>
/// <param name="Logins">Sorted.</param>
public sealed record ReachableNode(string Name, string Address, string[] Logins);

/// <summary>The nodes within reach: of the user's roles, and of the requests that a live certificate draws on.</summary>
/// <param name="User">As which of the caller's users.</param>
public sealed record ListMyNodes(string? User = null);

/// <summary>What a login reaches.</summary>
/// <param name="Nodes">Sorted by name.</param>
/// <param name="Everywhere">Logins that are valid on every host that trusts the CA, listed here or not.</param>
/// <param name="PerHost">Whether that is more than one certificate holds, so that some nodes need a certificate of their own.</param>
/// <param name="Requestable">Nodes out of reach that the user may ask for, or a role that would open them. Sorted by name.</param>
public sealed record NodeList(ListedNode[] Nodes, string[] Everywhere, bool PerHost, RequestableNode[] Requestable);

/// <summary>A node that a request could open.</summary>
/// <param name="Name">The node.</param>
/// <param name="Roles">Roles to ask for; each would do. Sorted. Empty: the node is asked for by its own name.</param>
public sealed record RequestableNode(string Name, string[] Roles);

/// <summary>A node within reach.</summary>
/// <param name="Name">The node.</param>
/// <param name="Address"><c>host[:port]</c>.</param>
/// <param name="Labels">What roles select it by.</param>
/// <param name="Logins">Sorted.</param>
public sealed record ListedNode(string Name, string Address, Dictionary<string, string> Labels, string[] Logins);

/// <summary>Asks for the public half of the user CA.</summary>
public sealed record GetUserCa;

/// <summary>Asks for the public half of the host CA.</summary>
public sealed record GetHostCa;

/// <summary>A public key.</summary>
/// <param name="PublicKey">
/// One line: for users exactly one of a TrustedUserCAKeys file, for hosts what stands behind <c>@cert-authority PATTERN</c> in a
/// known_hosts file.
/// </param>
/// <param name="Fingerprint">As <c>ssh-keygen -l</c> prints it.</param>
public sealed record CaPublicKey(string PublicKey, string Fingerprint);

/// <summary>Asks for the key revocation list.</summary>
public sealed record GetKrl;

/// <summary>The revocation list in force.</summary>
/// <param name="Krl">The bytes of a RevokedKeys file.</param>
public sealed record RevocationList(byte[] Krl);
