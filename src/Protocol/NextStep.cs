using System.Text.Json.Serialization;

namespace CertAuthority.Protocol;

/// <summary>
/// An action that would help against a problem, as data from a closed set. The daemon does not know which program asks, so each program
/// shows its own command or button for a step. A step from a newer daemon is read as this base type and has no content.
/// </summary>
[JsonPolymorphic(
    TypeDiscriminatorPropertyName = "step", IgnoreUnrecognizedTypeDiscriminators = true,
    UnknownDerivedTypeHandling = JsonUnknownDerivedTypeHandling.FailSerialization)]
[JsonDerivedType(typeof(Meant), "meant")]
[JsonDerivedType(typeof(LogIn), "log_in")]
[JsonDerivedType(typeof(UseSecurityKey), "use_security_key")]
[JsonDerivedType(typeof(ChooseUser), "choose_user")]
[JsonDerivedType(typeof(ShowMyStatus), "show_my_status")]
[JsonDerivedType(typeof(ChooseRoles), "choose_roles")]
[JsonDerivedType(typeof(RequestRoles), "request_roles")]
[JsonDerivedType(typeof(RequestNodes), "request_nodes")]
[JsonDerivedType(typeof(RequestAgain), "request_again")]
[JsonDerivedType(typeof(SearchNodes), "search_nodes")]
[JsonDerivedType(typeof(GiveReason), "give_reason")]
[JsonDerivedType(typeof(WaitForRequest), "wait_for_request")]
[JsonDerivedType(typeof(WaitForSameRequest), "wait_for_same_request")]
[JsonDerivedType(typeof(CancelRequest), "cancel_request")]
[JsonDerivedType(typeof(List), "list")]
[JsonDerivedType(typeof(AddUser), "add_user")]
[JsonDerivedType(typeof(AssignRoles), "assign_roles")]
[JsonDerivedType(typeof(SetTraits), "set_traits")]
[JsonDerivedType(typeof(FileRequest), "file_request")]
[JsonDerivedType(typeof(ApproveAnyway), "approve_anyway")]
[JsonDerivedType(typeof(EndRequest), "end_request")]
[JsonDerivedType(typeof(Lock), "lock")]
[JsonDerivedType(typeof(Unlock), "unlock")]
[JsonDerivedType(typeof(Revoke), "revoke_certificates")]
[JsonDerivedType(typeof(Create), "create")]
[JsonDerivedType(typeof(Edit), "edit")]
[JsonDerivedType(typeof(Remove), "remove")]
[JsonDerivedType(typeof(DropUnenforceable), "drop_unenforceable")]
[JsonDerivedType(typeof(SignHostKey), "sign_host_key")]
[JsonDerivedType(typeof(EnrollNode), "enroll_node")]
[JsonDerivedType(typeof(ExemptDaemon), "exempt_daemon")]
[JsonDerivedType(typeof(WatchNodes), "watch_nodes")]
[JsonDerivedType(typeof(TakeOverNode), "take_over_node")]
[JsonDerivedType(typeof(ConfirmClock), "confirm_clock")]
[JsonDerivedType(typeof(ShowDaemonStatus), "show_daemon_status")]
[JsonDerivedType(typeof(VerifyAudit), "verify_audit")]
[JsonDerivedType(typeof(ConfirmHosts), "confirm_hosts")]
[JsonDerivedType(typeof(TakeStep), "take_rotation_step")]
public record NextStep
{
    [JsonConstructor]
    internal NextStep()
    {
    }

    /// <summary>Name another one: a name that is spelt much like the one that does not exist.</summary>
    /// <param name="Name">The name that the caller may have meant.</param>
    public sealed record Meant(string Name) : NextStep;

    /// <summary>Log in.</summary>
    /// <param name="Requests">The IDs of the approved requests to use; null for none.</param>
    /// <param name="Login">The login that this opens, if the caller named one.</param>
    public sealed record LogIn(string[]? Requests = null, string? Login = null) : NextStep;

    /// <summary>Log in with a security key (FIDO) that verifies its user.</summary>
    public sealed record UseSecurityKey : NextStep;

    /// <summary>Choose the user to act as.</summary>
    /// <param name="Users">The names of the users that the caller can act as.</param>
    public sealed record ChooseUser(string[] Users) : NextStep;

    /// <summary>Show the certificates in use.</summary>
    public sealed record ShowMyStatus : NextStep;

    /// <summary>Request other roles than those named.</summary>
    /// <param name="Roles">The names of the roles that the user can request.</param>
    public sealed record ChooseRoles(string[] Roles) : NextStep;

    /// <summary>Request roles, and log in with them.</summary>
    /// <param name="Roles">The names of the roles.</param>
    /// <param name="Login">The login that they open, if the caller named one.</param>
    public sealed record RequestRoles(string[] Roles, string? Login = null) : NextStep;

    /// <summary>Request access to nodes.</summary>
    /// <param name="Nodes">The names of the nodes.</param>
    /// <param name="Login">The login that this opens, if the caller named one.</param>
    public sealed record RequestNodes(string[] Nodes, string? Login = null) : NextStep;

    /// <summary>Request the same once more.</summary>
    /// <param name="Roles">The names of the roles; null in a request for nodes.</param>
    /// <param name="Nodes">The names of the nodes; null in a request for roles.</param>
    public sealed record RequestAgain(string[]? Roles = null, string[]? Nodes = null) : NextStep;

    /// <summary>Search the nodes that the user can request.</summary>
    public sealed record SearchNodes : NextStep;

    /// <summary>Give a reason.</summary>
    /// <param name="Prompts">The texts by which the user's roles ask for the reason; may be empty.</param>
    public sealed record GiveReason(string[] Prompts) : NextStep;

    /// <summary>Wait for the answer to a request.</summary>
    /// <param name="Request">The ID of the request.</param>
    public sealed record WaitForRequest(string Request) : NextStep;

    /// <summary>Wait for the answer to a pending request for the same, or file it again.</summary>
    /// <param name="Request">The ID of the pending request.</param>
    public sealed record WaitForSameRequest(string Request) : NextStep;

    /// <summary>Cancel one of the user's pending requests.</summary>
    public sealed record CancelRequest : NextStep;

    /// <summary>List everything of a kind, to find the right name.</summary>
    /// <param name="Kind">A kind of resource, <see cref="Certificate"/> or <see cref="Request"/>. Users list only their own.</param>
    public sealed record List(string Kind) : NextStep
    {
        /// <summary>Certificates.</summary>
        public const string Certificate = "certificate";

        /// <summary>Requests.</summary>
        public const string Request = "request";

        /// <summary>Nodes.</summary>
        public const string Node = "node";

        /// <summary>Roles.</summary>
        public const string Role = "role";

        /// <summary>Users.</summary>
        public const string User = "user";

        /// <summary>Reviews of who has access.</summary>
        public const string AccessReview = "access_review";
    }

    /// <summary>An administrator adds a user.</summary>
    /// <param name="Name">The name of the user; null if the administrator must choose one.</param>
    /// <param name="Account">The account or uid that will own the user; null if the administrator must choose one.</param>
    public sealed record AddUser(string? Name = null, string? Account = null) : NextStep;

    /// <summary>An administrator changes which roles a user holds.</summary>
    /// <param name="User">The name of the user.</param>
    public sealed record AssignRoles(string User) : NextStep;

    /// <summary>An administrator sets the traits of a user.</summary>
    /// <param name="User">The name of the user.</param>
    public sealed record SetTraits(string User) : NextStep;

    /// <summary>An administrator files a request for a user.</summary>
    /// <param name="User">The name of the user.</param>
    public sealed record FileRequest(string User) : NextStep;

    /// <summary>An administrator approves a request although a role in it has changed.</summary>
    /// <param name="Request">The ID of the request.</param>
    public sealed record ApproveAnyway(string Request) : NextStep;

    /// <summary>An administrator ends a request that is still open, and removes it.</summary>
    /// <param name="Request">The ID of the request.</param>
    public sealed record EndRequest(string Request) : NextStep;

    /// <summary>An administrator locks a user.</summary>
    /// <param name="User">The name of the user.</param>
    public sealed record Lock(string User) : NextStep;

    /// <summary>An administrator lifts a lock.</summary>
    /// <param name="Name">The name of the lock.</param>
    public sealed record Unlock(string Name) : NextStep;

    /// <summary>An administrator revokes the certificates of a user.</summary>
    /// <param name="User">The name of the user.</param>
    public sealed record Revoke(string User) : NextStep;

    /// <summary>An administrator creates a resource.</summary>
    /// <param name="Replace">Whether it replaces the existing one.</param>
    public sealed record Create(bool Replace = false) : NextStep;

    /// <summary>An administrator edits a resource.</summary>
    /// <param name="Resource"><c>kind/name</c>.</param>
    public sealed record Edit(string Resource) : NextStep;

    /// <summary>An administrator removes a resource, also from users who still have it.</summary>
    /// <param name="Resource"><c>kind/name</c>.</param>
    public sealed record Remove(string Resource) : NextStep;

    /// <summary>An administrator applies the file without the fields that cannot be enforced here.</summary>
    public sealed record DropUnenforceable : NextStep;

    /// <summary>An administrator signs the key of a host.</summary>
    /// <param name="Node">The name of the node.</param>
    public sealed record SignHostKey(string Node) : NextStep;

    /// <summary>An administrator enrolls a host, so that the daemon writes to it.</summary>
    /// <param name="Node">The name of the node.</param>
    public sealed record EnrollNode(string Node) : NextStep;

    /// <summary>An administrator enrolls a host again, so that its sshd exempts the daemon's address from its penalties.</summary>
    /// <param name="Node">The name of the node.</param>
    public sealed record ExemptDaemon(string Node) : NextStep;

    /// <summary>An administrator checks whether the daemon can write to its hosts.</summary>
    public sealed record WatchNodes : NextStep;

    /// <summary>An administrator lets the daemon replace another daemon's revocation list on a host.</summary>
    /// <param name="Node">The name of the node.</param>
    public sealed record TakeOverNode(string Node) : NextStep;

    /// <summary>Root on the daemon's host confirms that the clock is right.</summary>
    public sealed record ConfirmClock : NextStep;

    /// <summary>An administrator checks the state of the daemon.</summary>
    public sealed record ShowDaemonStatus : NextStep;

    /// <summary>An administrator finds out what does not match in the audit.</summary>
    public sealed record VerifyAudit : NextStep;

    /// <summary>An administrator says that hosts have what a rotation of a CA key waits for, or leaves them behind.</summary>
    /// <param name="Key">The key: <c>user</c>, <c>host</c> or <c>sync</c>.</param>
    /// <param name="Nodes">The names of the nodes, up to eight.</param>
    public sealed record ConfirmHosts(string Key, string[] Nodes) : NextStep;

    /// <summary>An administrator takes the next step of the rotation of a CA key, or its first one.</summary>
    /// <param name="Key">The key: <c>user</c>, <c>host</c> or <c>sync</c>.</param>
    public sealed record TakeStep(string Key) : NextStep;
}
