"""Nodes and links as a graph: who reaches whom, over which wires, and at which address."""

from proxysim.topology.network import Network
from proxysim.topology.places import Hop, Place, Wire

__all__ = ["Hop", "Network", "Place", "Wire"]
