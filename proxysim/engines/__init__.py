"""A scenario's proxies as configurations of real programs: nginx, HAProxy, Squid."""

from proxysim.engines.configuration import Configuration
from proxysim.engines.exporting import ENGINES, export, proxies
from proxysim.engines.places import Place, Places, places_of

__all__ = ["ENGINES", "Configuration", "Place", "Places", "export", "places_of", "proxies"]
