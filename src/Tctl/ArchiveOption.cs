using System.CommandLine;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>--archive</c>: where entries of the audit are that the daemon does not have any more.</summary>
internal sealed class ArchiveOption : Option<string[]>
{
    public ArchiveOption()
        : base("--archive")
    {
        HelpName = "DIR";
        Description = "An archive with the entries that the daemon does not have any more; may be repeated";
        CompletionSources.Add(Suggestions.Files);
    }
}
