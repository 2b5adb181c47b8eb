using System.Collections.Immutable;
using CertAuthority.Access.Values;

namespace CertAuthority.Resources;

/// <summary>Reads names and patterns of names in the fields of a role.</summary>
internal static class NamePatterns
{
    public static ImmutableArray<NamePattern> Read(FieldReader side, ImmutableArray<(string Text, ResourceNode At)> texts)
    {
        var patterns = ImmutableArray.CreateBuilder<NamePattern>();
        foreach (var (text, at) in texts)
            if (text.Contains("{{", StringComparison.Ordinal))
                side.Fault(at, $"\"{text}\": templates stand in logins and in values of cert_extensions only");
            else if (text.Length == 0 || !Names.IsPlainText(text))
                side.Fault(at, "a name or pattern is empty or has control or invisible characters");
            else if (NamePattern.TryParse(text, out var fault) is { } pattern)
                patterns.Add(pattern);
            else
                side.Fault(at, $"\"{text}\": {fault}");
        return patterns.ToImmutable();
    }
}
