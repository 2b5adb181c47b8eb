using System.Text.Json;
using System.Text.Json.Serialization;
using CertAuthority.Access.Locks;
using CertAuthority.Protocol;

namespace CertAuthority.Store;

/// <summary>A lock as it is stored.</summary>
/// <param name="Kind">The kind of the target: <c>user</c>, <c>role</c>, <c>login</c>, <c>node</c> or <c>request</c>.</param>
/// <param name="Target">The name of the target; for a request, its ID.</param>
/// <param name="Message">The reason; null for none.</param>
/// <param name="Expires">When it ends, in Unix seconds; null for never.</param>
internal sealed record LockRow(string Kind, string Target, string? Message = null, long? Expires = null)
{
    public static readonly ResourceTable<AccessLock> Table = ResourceTable.Of(
        ResourceKinds.Lock, LockRowJson.Default.LockRow, From, (row, name) => row.Read(name), Touch) with
    { InPolicy = (policy, next, name, one) => policy.With(next, name, one) };

    private static void Touch(Transaction transaction, AccessLock? before, AccessLock? after)
    {
        switch (after?.Target)
        {
            // A lock that is removed gives back.
            case null:
                break;
            case (LockKind.Role, var role):
                transaction.Touched.Role(role);
                break;
            case (LockKind.User, var name):
                if (transaction.FindUser(name) is { } user)
                    transaction.Touched.User(user.Id);
                break;
            case (LockKind.Request, var id):
                if (transaction.RequestsStarting(id, 1) is [var request])
                    transaction.Touched.User(request.UserId);
                break;
            // It also takes the logins that are valid on every host, whose roles select this host like all others.
            case (LockKind.Node, var name) when NodeRow.Table.FindUnreadable(transaction, name) is null
                && NodeRow.Table.Find(transaction, name) is { } node:
                transaction.Touched.Node(node);
                break;
            default:
                transaction.Touched.Everybody();
                break;
        }
    }

    private static LockRow From(AccessLock one) =>
        new(
            LockTarget.Word(one.Target.Kind), one.Target.Name, one.Message.Length > 0 ? one.Message : null,
            one.Expires?.ToUnixTimeSeconds());

    private AccessLock Read(string name) => new(
        Guid.Empty, name, 0, ReadTarget(), Message ?? "", Expires is { } seconds ? DateTimeOffset.FromUnixTimeSeconds(seconds) : null);

    private LockTarget ReadTarget()
    {
        foreach (var kind in Enum.GetValues<LockKind>())
            if (LockTarget.Word(kind) == Kind)
                // A request is found by its ID; any other name is compared as plain text.
                return kind != LockKind.Request || Guid.TryParseExact(Target, "D", out _)
                    ? new LockTarget(kind, Target)
                    : throw new FormatException($"\"{Target}\" is not the id of a request");
        throw new FormatException($"no lock is on a {Kind}");
    }
}

[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Strict, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault)]
[JsonSerializable(typeof(LockRow))]
internal sealed partial class LockRowJson : JsonSerializerContext;
