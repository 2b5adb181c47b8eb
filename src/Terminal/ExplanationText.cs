using System.CommandLine;
using CertAuthority.Protocol;

namespace CertAuthority.Terminal;

/// <summary>Shows why a user can, or cannot, log in.</summary>
public static class ExplanationText
{
    /// <summary>Prints the verdict and its rules; with <c>--format=json</c>, the message of the daemon.</summary>
    public static void Show(this ParseResult parsed, AccessExplained explained)
    {
        if (FormatOption.IsJson(parsed))
        {
            parsed.PrintJson(explained);
            return;
        }
        parsed.Print(explained.Verdict);
        if (explained.Assumes is not null)
            parsed.Print(explained.Assumes);
        if (explained is { ValidBefore: { } end, LimitedBy: { } limit })
            parsed.Print($"until {Wording.Time(end)}, limited by {limit}");
        foreach (var one in explained.Locks ?? [])
            parsed.Print(
                $"lock {one.Name} {one.Effect}: {one.Target}{(one.Expires is { } until ? $" until {Wording.Time(until)}" : "")}{(one.Message.Length > 0 ? $": {one.Message}" : "")}");
        var table = new Table("Role", "From", "Effect", "Rule", "Why") { Nothing = "no rules" };
        foreach (var role in explained.Roles)
            foreach (var rule in role.Rules)
                table.Add(
                    role.Role, role.Request is null ? "assigned" : $"request {role.Request[..8]}", rule.Effect,
                    $"{rule.Field} {rule.Entry}".TrimEnd(), rule.Why);
        if (!table.IsEmpty)
            // Each rule in full: an explanation that is cut explains nothing.
            parsed.PrintEscaped(table.Lines());
        foreach (var step in parsed.Show(explained.Next))
            parsed.Hint(step);
    }
}
