using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary>Formats what files would change, and what this would take away.</summary>
internal static class ApplyPlan
{
    private const int MostUsers = 20;

    /// <summary>Whether something would be removed, revoked or ended.</summary>
    public static bool TakesAway(AppliedResources plan) =>
        plan.Revoked is not [] || plan.Ended is not [] || Array.Exists(plan.Resources, one => one.What == AppliedStates.Removed);

    /// <summary>Returns a line for each resource that would change, and then what would be taken from whom.</summary>
    /// <param name="plan">The daemon's answer to a dry run.</param>
    /// <param name="withFields">Whether to add each field that would change.</param>
    public static IEnumerable<string> Lines(AppliedResources plan, bool withFields)
    {
        foreach (var one in plan.Resources.Where(one => one.What != AppliedStates.Unchanged))
        {
            yield return $"{one.Kind} '{one.Name}' would be {one.What}";
            foreach (var line in withFields ? Fields(one) : [])
                yield return $"  {line}";
        }
        if (plan.Resources.Count(one => one.What == AppliedStates.Unchanged) is > 0 and var same)
            yield return $"{Wording.Count(same, "resource")} would stay as {(same == 1 ? "it is" : "they are")}";
        if (plan.Revoked is not [])
            yield return $"{Wording.Count(plan.Revoked.Length, "certificate")} would be revoked: {string.Join(", ", plan.Revoked)}";
        if (plan.Ended is not [])
            yield return $"{Wording.Count(plan.Ended.Length, "request")} would end: {string.Join(", ", plan.Ended)}";
        foreach (var loss in (plan.Losses ?? []).Take(MostUsers))
            yield return $"{loss.User} would lose {Of(loss)}";
        if (plan.Losses is { Length: > MostUsers } all)
            yield return $"and so would {Wording.Count(all.Length - MostUsers, "other user")}";
    }

    private static IEnumerable<string> Fields(AppliedResource one) =>
        (one.Changes ?? []).Where(change => change.Path != "version" || one.What == AppliedStates.Updated).SelectMany(
                change => new[]
                {
                    change.Old is null ? null : $"- {change.Path}: {change.Old}",
                    change.New is null ? null : $"+ {change.Path}: {change.New}",
                }.OfType<string>())
            .Concat(one.ChangesLeftOut is { } more ? [$"and {Wording.Count(more, "more field")}"] : []);

    private static string Of(UserLoss loss) => string.Join(
        " and ",
        new[]
        {
            loss.Certificates > 0 ? Wording.Count(loss.Certificates, "certificate") : null,
            loss.Requests > 0 ? Wording.Count(loss.Requests, "request") : null,
        }.OfType<string>());
}
